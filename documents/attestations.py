"""Des données figées d'un document à ce qu'il porte : champs 2D-Doc, bande MRZ, texte imprimé.

Tout ce qui est encodé est imprimé. L'ordre des champs est celui du spécimen officiel.
"""

import datetime as dt
import re
from decimal import Decimal
from urllib.parse import quote_plus

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from documents import mrz, symbole
from documents.catalogue import Modele
from documents.deuxd_doc import adapter
from documents.models import Document
from documents.pdf import image_incluse

ACCESSOIRE = "à titre accessoire"
# Caractères d'état civil et d'adresse au-delà desquels la première page se resserre, pour garder ses codes.
LONGUEUR_SERREE, LONGUEUR_TRES_SERREE = 200, 400
MASCULINS = {"certificat", "titre", "document", "visa", "récépissé"}


def jour_de_depot(donnees: dict) -> dt.datetime:
    return timezone.localtime(dt.datetime.fromisoformat(donnees["deposee_le"]))


def jjmmaaaa(iso: str) -> str:
    """AAAA-MM-JJ → JJMMAAAA, les 00 d'une date partielle compris."""
    annee, mois, jour = iso.split("-")
    return jour + mois + annee


def date_francaise(iso: str) -> str:
    annee, mois, jour = iso.split("-")
    return f"{jour}/{mois}/{annee}"


def autorisation(donnees: dict) -> str:
    """Ce que le document autorise, en clair ; le code le porte en majuscules sans accent."""
    travail = droits(donnees).get("travail", "")
    if not travail:
        return ""
    return "Autorise à travailler" + (f" {ACCESSOIRE}" if travail == ACCESSOIRE else "")


def droits(donnees: dict) -> dict:
    """Ce que la décision ou la prolongation accorde ; rien sur une confirmation de dépôt."""
    return donnees.get("decision") or donnees.get("prolongation") or {}


def code_pays(texte: str) -> str:
    """Code à deux lettres du pays de l'adresse ; vide s'il n'est pas connu."""
    return {"": "FR", "FRANCE": "FR"}.get(texte.upper(), texte.upper() if len(texte) == 2 else "")


def champs_2d_doc(donnees: dict, *, modele: Modele, numero: str, du: dt.date | None, au: dt.date | None) -> list:
    """Champs du type 13 ; lève `NonEncodable` si un nom, un lieu ou une ligne d'adresse n'y entre pas."""
    adresse = donnees["adresse"]
    postal = adresse["code_postal"] if re.fullmatch("[0-9]{5}", adresse["code_postal"]) else " " * 5
    champs = [
        ("6J", modele.code_6j),
        ("6K", donnees["numero_demande"]),
        ("6L", f"{jour_de_depot(donnees):%d%m%Y}"),
        ("6P", adapter("6P", autorisation(donnees))),
        ("6Q", donnees["numero_etranger"]),
        ("62", adapter("62", donnees["nom_naissance"])),
        ("63", adapter("63", donnees["nom_usage"])),
        ("60", adapter("60", donnees["prenoms"])),
        ("68", donnees["sexe"]),
        ("69", jjmmaaaa(donnees["naissance"])),
        ("6A", adapter("6A", donnees["lieu_naissance"])),
        ("6C", donnees["pays_naissance"]["code"]),
        ("67", donnees["nationalite"]["code"]),
        ("6S", adapter("6S", adresse["complement"])),
        ("6U", adapter("6U", adresse["voie"])),
        ("6W", postal),
        ("6X", adapter("6X", adresse["commune"])),
    ]
    if droits(donnees):
        champs.append(("6M", adapter("6M", donnees["categorie"])))
    if du and au:
        champs += [("6N", f"{du:%d%m%Y}"), ("6O", f"{au:%d%m%Y}")]
    if not donnees["numero_etranger"] and len(donnees["numero_visa"]) == 12:
        champs.append(("6R", donnees["numero_visa"]))
    if pays := code_pays(adresse["pays"]):
        champs.append(("6Y", pays))
    champs.append(("01", numero))
    return [champ for champ in champs if champ != ("6S", "")]


def lignes_mrz(donnees: dict, *, modele: Modele, numero: str, au: dt.date | None) -> tuple[str, str, str]:
    return mrz.Bande(
        code=modele.code_mrz,
        numero=numero,
        optionnel=donnees["numero_etranger"],
        naissance=donnees["naissance"],
        sexe=donnees["sexe"],
        expiration=au.isoformat() if au else "",
        nationalite=donnees["nationalite"]["alpha3"],
        nom=donnees["nom_naissance"],
        prenoms=donnees["prenoms"],
    ).td1()


def adresse_de_verification(code_signe: str) -> tuple[str, str]:
    """Adresse de la page de vérification en deux parties ; la seconde, le code entier, tient en alphabet compact."""
    return adresse_de_la_page() + "?c=", quote_plus(code_signe, safe="/")


def adresse_de_la_page() -> str:
    return settings.ADRESSE_DU_SITE.rstrip("/") + reverse("documents:verifier")


def contexte(document: Document, *, modele: Modele, code_signe: str) -> dict:
    """Ce que le gabarit imprime, mis en forme une fois pour toutes."""
    donnees = document.donnees
    depot = jour_de_depot(donnees)
    decision, prolongation = donnees.get("decision"), donnees.get("prolongation")
    lignes = lignes_mrz(donnees, modele=modele, numero=document.numero, au=document.valable_au)
    qr, cote_qr = symbole.png_qr(*adresse_de_verification(code_signe))
    return {
        "d": donnees,
        "numero": document.numero,
        "titre_pdf": f"{document.get_acte_display()} – demande n° {donnees['numero_demande']}",
        "densite": densite(donnees),
        "essai": document.certificat[2:4] == "00",
        "emis_le": f"{timezone.localtime(document.emis_le):%d/%m/%Y}",
        "depose_le": f"{depot:%d/%m/%Y}",
        "depose_a": f"{depot:%H:%M:%S}",
        "identifiant": donnees["numero_etranger"] or donnees["numero_visa"],
        "naissance": date_francaise(donnees["naissance"]),
        "lieu": ", ".join(filter(None, (donnees["lieu_naissance"], donnees["pays_naissance"]["nom"].upper()))),
        "sexe": {"M": "M (masculin)", "F": "F (féminin)"}[donnees["sexe"]],
        "adresse": lignes_d_adresse(donnees["adresse"]),
        "echeance": date_francaise(donnees["echeance_legale"]) if donnees["echeance_legale"] else "",
        "decision": contexte_de_la_decision(document, decision) if decision else None,
        "prolongation": contexte_de_la_prolongation(document, prolongation) if prolongation else None,
        "image_mrz": image_incluse(symbole.svg_mrz(lignes).encode()),
        "image_2d_doc": image_incluse(symbole.svg_2d_doc(code_signe).encode()),
        "image_qr": image_incluse(qr, "image/png"),
        "cote_qr": f"{cote_qr:.2f}",
        "adresse_verifier": adresse_de_la_page(),
    }


def densite(donnees: dict) -> str:
    noms = (donnees["nom_naissance"], donnees["nom_usage"], donnees["prenoms"], donnees["lieu_naissance"])
    longueur = sum(map(len, (*noms, *lignes_d_adresse(donnees["adresse"]))))
    if "decision" in donnees:
        # La mention, et un paragraphe de plus sur les frontières.
        longueur += len(donnees["decision"]["mention"]) + (0 if donnees["schengen"] is None else 100)
    elif "prolongation" in donnees:
        # Trois lignes de plus dans le cadre des références.
        longueur += 80
    return "serre tres-serre" if longueur > LONGUEUR_TRES_SERREE else "serre" if longueur > LONGUEUR_SERREE else ""


def lignes_d_adresse(adresse: dict) -> list[str]:
    commune = f"{adresse['code_postal']} {adresse['commune']}".strip()
    return [ligne for ligne in (adresse["complement"], adresse["voie"], commune, adresse["pays"].upper()) if ligne]


def contexte_de_la_decision(document: Document, decision: dict) -> dict:
    feminin = decision["titre"].split(" ")[0].lower() not in MASCULINS
    return decision | {
        "le": date_francaise(decision["le"]),
        "du": date_francaise(decision["du"]),
        "au": date_francaise(decision["au"]),
        "attestation_du": f"{document.valable_du:%d/%m/%Y}",
        "attestation_au": f"{document.valable_au:%d/%m/%Y}",
        "taxe": montant(decision["taxe"]),
        "article": "Une" if feminin else "Un",
        "accord": "e" if feminin else "",
        "pronom": "Elle" if feminin else "Il",
        "autorisation": autorisation(document.donnees),
        "a_titre_accessoire": decision["travail"] == ACCESSOIRE,
        "avec_le_visa": decision.get("avec_le_visa", False) or bool(document.donnees["numero_visa"]),
    }


def contexte_de_la_prolongation(document: Document, prolongation: dict) -> dict:
    return prolongation | {
        "du": f"{document.valable_du:%d/%m/%Y}",
        "au": f"{document.valable_au:%d/%m/%Y}",
        "fin_du_document": date_francaise(prolongation["fin_du_document"]) if prolongation["fin_du_document"] else "",
        "expire": prolongation["fin_du_document"] < timezone.localdate(document.emis_le).isoformat(),
        "autorisation": autorisation(document.donnees) or "N'autorise pas à travailler",
        "a_titre_accessoire": prolongation["travail"] == ACCESSOIRE,
    }


def montant(valeur: str) -> str:
    """« 75,00 € », et « 0 € » quand rien n'est dû, comme les guides l'impriment."""
    somme = Decimal(valeur)
    if not somme:
        return "0 €"
    entier, decimales = f"{somme:.2f}".split(".")
    groupes = f"{int(entier):,}".replace(",", "\u202f")
    return f"{groupes},{decimales}\u00a0€"
