"""Fabriques des tests ; les traits nomment les cas du domaine."""

import datetime as dt

import factory
from django.utils import timezone

from demandes.models import CoordonneesSite, Demande, Site
from instruction.models import Agent
from usagers.models import Compte, Identifiant, Pays, TitreSejour, Usager


class PaysFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Pays
        django_get_or_create = ("code",)

    code = "ML"
    alpha3 = "MLI"
    nom = "Mali"
    nom_en = "Mali"
    nationalite_f = "malienne"
    nationalite_m = "malien"
    nationalite_en = "Malian"


class CoordonneesSiteFactory(factory.django.DjangoModelFactory):
    """Celles d'un site depuis toujours."""

    class Meta:
        model = CoordonneesSite
        django_get_or_create = ("site", "du")

    du = dt.date(2000, 1, 1)
    adresse = "1 place de l'Exemple, 75004 Paris"
    courriel = "sejour@prefecture-75.invalid"
    telephone = "01 00 00 00 00"
    invente = True


class SiteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Site
        django_get_or_create = ("code",)
        skip_postgeneration_save = True

    code = "7502"
    departement = "75"
    libelle = "Préfecture de police de Paris"
    coordonnees = factory.RelatedFactory(CoordonneesSiteFactory, factory_related_name="site")


class CompteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Compte
        skip_postgeneration_save = True

    identifiant = factory.Sequence(lambda n: f"75031{n:05d}")
    courriel = factory.LazyAttribute(lambda o: f"u{o.identifiant}@exemple.invalid")
    courriel_verifie_le = factory.LazyFunction(timezone.now)
    telephone = "+33601020304"

    @factory.post_generation
    def mot_de_passe(obj, create, extracted, **kwargs):
        obj.set_password(extracted or "Sept mots pour une phrase de passe")
        if create:
            obj.save()
            Identifiant.objects.create(
                valeur=obj.identifiant,
                compte=obj,
                nature=Identifiant.Nature.AGENT if obj.est_agent else Identifiant.Nature.NUMERO_ETRANGER,
            )


class UsagerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Usager

    nom_naissance = "JOHN"
    prenoms = "JULIE"
    sexe = "F"
    naissance = "1993-02-07"
    lieu_naissance = "BAMAKO"
    pays_naissance = factory.SubFactory(PaysFactory)
    nationalite = factory.SubFactory(PaysFactory)
    compte = factory.SubFactory(CompteFactory)
    numero_etranger = factory.LazyAttribute(lambda o: o.compte.identifiant if o.compte else None)


class TitreSejourFactory(factory.django.DjangoModelFactory):
    """Par défaut : carte étudiante d'un an qui expire dans 90 jours (dans la fenêtre de dépôt)."""

    class Meta:
        model = TitreSejour

    usager = factory.SubFactory(UsagerFactory)
    numero = factory.Sequence(lambda n: f"TS{n:07d}")
    nature = TitreSejour.Nature.CST
    motif = TitreSejour.Motif.ETUDIANT
    fin = factory.LazyFunction(lambda: timezone.localdate() + dt.timedelta(days=90))
    debut = factory.LazyAttribute(lambda o: o.fin - dt.timedelta(days=364))


class DemandeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Demande

    usager = factory.LazyAttribute(lambda o: o.titre_de_depart.usager)
    titre_de_depart = factory.SubFactory(TitreSejourFactory)
    demarche = "etudiant"
    cas = "ETU_TITRE"
    objet = "titre_sejour"
    ouverte_par = factory.LazyAttribute(lambda o: o.usager.compte)
    ouverte_le = factory.LazyFunction(timezone.now)
    modifiee_le = factory.LazyFunction(timezone.now)
    fin_de_droits = factory.LazyAttribute(lambda o: o.titre_de_depart.fin)

    class Params:
        deposee = factory.Trait(
            etat="deposee",
            site=factory.SubFactory(SiteFactory),
            deposee_le=factory.LazyFunction(timezone.now),
            numero=factory.Sequence(lambda n: f"7502{timezone.localdate():%Y%m%d}{n + 9000000:07d}"),
        )


class AgentFactory(factory.django.DjangoModelFactory):
    """Un instructeur du site, en activité."""

    class Meta:
        model = Agent

    compte = factory.SubFactory(
        CompteFactory, nature="agent", is_staff=True, identifiant=factory.Sequence(lambda n: f"agent{n}")
    )
    nom = "Camille Agent"
    site = factory.SubFactory(SiteFactory)
    roles = ["instructeur"]
