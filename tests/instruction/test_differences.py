"""Ce qui change d'un envoi de la personne au suivant."""

from instruction.differences import differences, differences_des_pieces, marquer


def contenu(reponses, pieces=()) -> dict:
    lignes = [{"champ": c, "libelle": c.upper(), "valeur": v, "affichage": v} for c, v in reponses]
    return {
        "parties": [{"code": "p", "groupes": [{"code": "g", "lignes": lignes}]}],
        "pieces": [
            {
                "code": code, "libelle": code, "absence": absence,
                "fichiers": [{"piece": cle, "nom": f"{cle}.pdf"} for cle in cles],
            }
            for code, absence, cles in pieces
        ],
    }  # fmt: skip


def test_sans_changement_rien_n_est_dit():
    meme = contenu([("ville", "PARIS")], [("PASSEPORT", "", [1])])
    assert differences(meme, meme) == [] and differences_des_pieces(meme, meme) == []


def test_une_reponse_changee_ajoutee_ou_retiree_se_dit():
    avant = contenu([("ville", "PARIS"), ("rue", "A"), ("ecole", "X")])
    apres = contenu([("ville", "LYON"), ("rue", "A"), ("bourse", "oui")])
    trouvees = {d.champ[2]: (d.avant, d.apres) for d in differences(avant, apres)}
    assert trouvees == {"ville": ("PARIS", "LYON"), "ecole": ("X", ""), "bourse": ("", "oui")}


def test_les_lignes_d_un_meme_champ_se_comparent_une_a_une():
    avant = contenu([("montant", "100"), ("montant", "200")])
    apres = contenu([("montant", "100"), ("montant", "250"), ("montant", "5")])
    assert [(d.avant, d.apres) for d in differences(avant, apres)] == [("200", "250"), ("", "5")]


def test_les_reponses_changees_sont_marquees_avec_ce_qu_elles_disaient():
    avant, apres = contenu([("ville", "PARIS"), ("rue", "A")]), contenu([("ville", "LYON"), ("rue", "A")])
    ville, rue = marquer(apres, differences(avant, apres))["parties"][0]["groupes"][0]["lignes"]
    assert ville["changee"] and ville["avant"] == "PARIS" and "changee" not in rue


def test_un_fichier_remplace_ajoute_ou_une_absence_se_dit():
    avant = contenu([], [("PASSEPORT", "", [1]), ("BAIL", "Perdu", []), ("PHOTO", "", [5])])
    apres = contenu([], [("PASSEPORT", "", [2]), ("BAIL", "", [3]), ("PHOTO", "", [5]), ("AUTRE", "Impossible", [])])
    passeport, bail, autre = differences_des_pieces(avant, apres)
    assert passeport.retires == [(1, "1.pdf")] and passeport.ajoutes == [(2, "2.pdf")]
    assert bail.absence_avant == "Perdu" and bail.absence_apres == "" and bail.ajoutes == [(3, "3.pdf")]
    assert autre.absence_apres == "Impossible"
