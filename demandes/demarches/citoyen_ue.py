"""Renouvellement du titre permanent « Citoyen UE/EEE/Suisse » : quatre étapes (guide 004, domaine §1.2, §4.7, §7.2)."""

import datetime as dt
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from demandes.demarches.base import Cas, Demarche, Fermee, Piece, Rubrique, TitreDelivrable
from demandes.demarches.etapes import (
    A_LA_PREFECTURE,
    CONFIRMATION,
    DOMICILIATION,
    ETAT_CIVIL,
    INFORMATIONS,
    JUSTIFICATIFS,
    RECAPITULATIF,
    SANS_TITRE_CONNU,
    InformationsForm,
    logement,
)
from demandes.droit import Contexte
from usagers.models import TitreSejour
from usagers.presentation import nom_du_pays


# --- Étapes (domaine §4.7) -------------------------------------------------------------------------------------------
class InformationsCitoyenForm(InformationsForm):
    """Étape 1 : un changement d'adresse se déclare d'abord (guide 004) ; le brouillon attend."""

    groupes = tuple(
        replace(groupe, gabarit="demandes/blocs/adresse_citoyen_ue.html") if groupe.code == "adresse" else groupe
        for groupe in InformationsForm.groupes
    )


ETAPES = (
    replace(INFORMATIONS, form=InformationsCitoyenForm),
    replace(
        JUSTIFICATIFS,
        titre=_("Pièces justificatives"),
        description=_("Transmettez les pièces justificatives de votre identité et de votre domicile."),
    ),
    replace(
        RECAPITULATIF,
        titre=_("Dépôt de la demande"),
        description=_("Vérifiez vos réponses et vos documents, corrigez-les au besoin, puis déposez votre demande."),
    ),
    CONFIRMATION,
)

# --- Pièces (domaine §7.2) -------------------------------------------------------------------------------------------
R_INFORMATIONS, R_DEMANDE = Rubrique(_("Informations personnelles")), Rubrique(_("Votre demande"))
PIECES = (
    Piece("IDENTITE_UE", R_INFORMATIONS, ETAT_CIVIL),
    Piece("EPHOTO", R_INFORMATIONS, ETAT_CIVIL, numero="ephoto"),
    Piece(
        "DOMICILE",
        R_INFORMATIONS,
        DOMICILIATION,
        variantes=("locataire_proprietaire", "hotel", "heberge"),
        variante=logement,
    ),
    Piece("TITRE_SEJOUR", R_DEMANDE),
    Piece("DECL_PRESENCE", R_DEMANDE, declaration=True),
)

# --- Cas (domaine §1.2) ----------------------------------------------------------------------------------------------
UE_PERMANENT = Cas("UE_PERMANENT", premiere_demande=False, fenetre=False)


def cas_citoyen_ue(contexte: Contexte) -> Cas | Fermee:
    """Renouvelable de plein droit (R. 234-1) par un citoyen UE, EEE ou suisse ; un titre expiré est accepté."""
    titre, usager = contexte.titre, contexte.usager
    if titre is None:
        return Fermee(SANS_TITRE_CONNU + A_LA_PREFECTURE)
    if titre.nature != TitreSejour.Nature.UE:
        return Fermee(
            _("Cette démarche est réservée aux titulaires d'une carte « Citoyen UE/EEE/Suisse – Séjour permanent ».")
        )
    if titre.motif != TitreSejour.Motif.CITOYEN_UE_PERMANENT:
        return Fermee(
            _("Votre carte « Citoyen UE/EEE/Suisse » n'est pas une carte de séjour permanent. ") + A_LA_PREFECTURE
        )
    appartenance = contexte.baremes["citoyen_ue.pays"].get(usager.nationalite_id)
    if appartenance is None:
        return Fermee(
            _(
                "Cette démarche est réservée aux citoyens de l'Union européenne, de l'Espace économique européen et "
                "de la Suisse. Membre de la famille de l'un d'eux, vous relevez d'une autre carte. "
            )
            + A_LA_PREFECTURE
        )
    fin = dt.date.fromisoformat(appartenance.get("au", "9999-12-31"))
    if contexte.jour > fin:
        texte = _(
            "Depuis le %(jour)s, les ressortissants de ce pays n'ont plus la libre circulation européenne : %(pays)s. "
            "Votre droit au séjour dépend de l'accord de retrait. "
        )
        depuis = fin + dt.timedelta(days=1)
        return Fermee(texte % {"jour": f"{depuis:%d/%m/%Y}", "pays": nom_du_pays(usager.nationalite)} + A_LA_PREFECTURE)
    return UE_PERMANENT


CITOYEN_UE = Demarche(
    code="citoyen_ue",
    objet="titre_sejour",
    intitule=_("titre de séjour « Citoyen UE/EEE/Suisse – Séjour permanent »"),
    public=_("renouveler une carte de séjour permanent « Citoyen UE/EEE/Suisse »"),
    titre_page=_("Je renouvelle mon titre de séjour « Citoyen UE/EEE/Suisse »"),
    type_de_demande=lambda cas: _("Demande de renouvellement du titre « Citoyen UE/EEE/Suisse »"),
    choix=lambda cas: _("Je sollicite le renouvellement de ce titre"),
    bouton_choix=_("Je commence"),
    bouton_preambule=_("Je continue"),
    preambule="demandes/preambules/citoyen_ue.html",
    cas=cas_citoyen_ue,
    tous_les_cas=(UE_PERMANENT,),
    etapes=ETAPES,
    pieces=PIECES,
    titres=(
        TitreDelivrable(
            "UE_PERMANENT",
            _("carte de séjour"),
            "CITOYEN UE/EEE/SUISSE – SÉJOUR PERMANENT – TOUTES ACTIVITÉS PROFESSIONNELLES",
            120,
            "citoyen_ue.taxe",
            "UE",
            "citoyen_ue_permanent",
            schengen=True,
            visa_ou_titre=True,
        ),
    ),
    silence="sejour.silence",
    categorie="CITOYEN UE/EEE/SUISSE",
    sms=False,
    schengen_depot=False,
)
