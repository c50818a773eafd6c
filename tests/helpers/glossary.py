"""The terms that Home Assistant itself uses, by language, and those that it does not."""

TERMS = {
    # English: what each language says wherever English says that
    "Energy dashboard": {
        "nl": "energiedashboard",
        "de": "Energie-Dashboard",
        "fr": "tableau de bord énergétique",
        "nb": "energidashbord",
    },
    "API key": {
        "nl": "API-sleutel",
        "de": "API-Schlüssel",
        "fr": "clé API",
        "nb": "API-nøkkel",
    },
    "low tariff": {
        "nl": "laagtarief",
        "de": "Niedertarif",
        "fr": "heures creuses",
        "nb": "lav tariff",
    },
    "high tariff": {
        "nl": "hoogtarief",
        "de": "Hochtarif",
        "fr": "heures pleines",
        "nb": "høy tariff",
    },
    "inverter": {
        "nl": "omvormer",
        "de": "Wechselrichter",
        "fr": "onduleur",
        "nb": "inverter",
    },
    "history": {
        "nl": "geschiedenis",
        "de": "Verlauf",
        "fr": "historique",
        "nb": "histori",
    },
    "statistics": {
        "nl": "statistieken",
        "de": "Statistik",
        "fr": "statistiques",
        "nb": "statistikk",
    },
    "sensor": {"nl": "sensor", "de": "Sensor", "fr": "capteur", "nb": "sensor"},
    "device": {"nl": "appara", "de": "Gerät", "fr": "appareil", "nb": "enhet"},
    "discovered": {
        "nl": "ontdekt",
        "de": "entdeckt",
        "fr": "découvert",
        "nb": "oppdaget",
    },
    "administrator": {
        "nl": "beheerder",
        "de": "Administrator",
        "fr": "administrateur",
        "nb": "administrator",
    },
    "options": {
        "nl": "opties",
        "de": "Optionen",
        "fr": "options",
        "nb": "alternativ",
    },
    "set up": {
        "de": "eingerichtet",
        "fr": "configur",
        "nb": "konfigurer",
    },
    "MAC address": {
        "nl": "MAC-adres",
        "de": "MAC-Adresse",
        "fr": "adresse MAC",
        "nb": "MAC-adresse",
    },
    "log": {"nl": "logboek", "de": "Protokoll", "fr": "journa", "nb": "logg"},
}

# What Home Assistant says otherwise, what is obsolete, and what is misspelt.
NOT_SAID = {
    "en": ("Own consumption", "Developer tools"),
    "nl": (
        "Energiedashboard",
        "aan staat",
        "voorbije",
        "laag tarief",
        "hoog tarief",
        "Netto energie",
        "Eigen verbruik",
    ),
    "de": ("Das CEMM", "Eigenverbrauch", "Nettoenergie"),
    "fr": (
        "\N{RIGHT SINGLE QUOTATION MARK}",
        "diffusion",
        "tarif réduit",
        "tarif élevé",
        "Consommation propre",
    ),
    "nb": ("energi-dashbord", "kringkasting", "satt opp", "Eget forbruk"),
}
