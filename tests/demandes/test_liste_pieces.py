"""Le texte des pièces, sur la page et dans la liste à télécharger."""

import re

from django.template.loader import render_to_string


def test_un_texte_de_piece_se_lit_en_phrases_et_en_listes():
    texte = "Vous vivez à l'hôtel :\n- attestation <de l'hôtelier> ;\n- et facture.\n\nDe moins de 6 mois."
    rendu = render_to_string("composants/paragraphes.html", {"texte": texte})
    assert "".join(re.findall(r"<\w+>", rendu)) == "<p><ul><li><li><p>"
    assert "<li>attestation &lt;de l&#x27;hôtelier&gt; ;</li><li>et facture.</li></ul>" in rendu
