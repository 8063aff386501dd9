//! The words that made-up customers and invoices are made of.

/// A country that customers come from.
pub(super) struct Country {
    pub(super) iso: &'static str,
    pub(super) currency: &'static str,
    pub(super) legal_form: &'static str,
    pub(super) dialling: &'static str,
    pub(super) tax_prefix: &'static str,
    /// Town, region and the first digits of its postal codes.
    pub(super) towns: [(&'static str, Option<&'static str>, &'static str); 4],
    /// In thousandths of a per cent.
    pub(super) tax_rates: [i64; 3],
}

pub(super) const COUNTRIES: [Country; 6] = [
    Country {
        iso: "DE",
        currency: "EUR",
        legal_form: "GmbH",
        dialling: "+49",
        tax_prefix: "DE",
        towns: [
            ("Köln", Some("Nordrhein-Westfalen"), "506"),
            ("Görlitz", Some("Sachsen"), "028"),
            ("Flensburg", None, "249"),
            ("München", Some("Bayern"), "803"),
        ],
        tax_rates: [19_000, 7_000, 0],
    },
    Country {
        iso: "GB",
        currency: "GBP",
        legal_form: "Ltd",
        dialling: "+44",
        tax_prefix: "GB",
        towns: [
            ("Ludlow", Some("Shropshire"), "SY8 1"),
            ("Whitby", Some("North Yorkshire"), "YO21 1"),
            ("Glasgow", None, "G12 8"),
            ("Hay-on-Wye", Some("Powys"), "HR3 5"),
        ],
        tax_rates: [20_000, 5_000, 0],
    },
    Country {
        iso: "US",
        currency: "USD",
        legal_form: "Inc.",
        dialling: "+1",
        tax_prefix: "US",
        towns: [
            ("Duluth", Some("MN"), "558"),
            ("Asheville", Some("NC"), "288"),
            ("Portland", Some("OR"), "972"),
            ("Coeur d'Alene", Some("ID"), "838"),
        ],
        tax_rates: [8_875, 6_500, 0],
    },
    Country {
        iso: "FR",
        currency: "EUR",
        legal_form: "S.A.R.L.",
        dialling: "+33",
        tax_prefix: "FR",
        towns: [
            ("Besançon", Some("Bourgogne-Franche-Comté"), "250"),
            ("Orléans", None, "450"),
            ("Saint-Étienne", Some("Loire"), "420"),
            ("L'Haÿ-les-Roses", None, "942"),
        ],
        tax_rates: [20_000, 5_500, 10_000],
    },
    Country {
        iso: "SE",
        currency: "SEK",
        legal_form: "AB",
        dialling: "+46",
        tax_prefix: "SE",
        towns: [
            ("Åmål", None, "662"),
            ("Umeå", Some("Västerbotten"), "903"),
            ("Örebro", None, "702"),
            ("Visby", Some("Gotland"), "621"),
        ],
        tax_rates: [25_000, 12_000, 6_000],
    },
    Country {
        iso: "CH",
        currency: "CHF",
        legal_form: "AG",
        dialling: "+41",
        tax_prefix: "CHE",
        towns: [
            ("Zürich", Some("ZH"), "80"),
            ("Neuchâtel", Some("NE"), "20"),
            ("Chur", None, "70"),
            ("Bellinzona", Some("TI"), "65"),
        ],
        tax_rates: [8_100, 2_600, 0],
    },
];

/// Names that break careless code: quotes, other scripts, signs outside the basic plane, markup.
pub(super) const AWKWARD_NAMES: [&str; 6] = [
    "O'Dowd & Daughters \"Fine\" Joinery",
    "株式会社 木の家",
    "Ebony 🪵 Ivory",
    "<b>Bold</b> Chairs & Co; DROP TABLE customers",
    "Ateliers d’Œuvre — Écluse n° 7",
    "مصنع الأرز",
];

pub(super) const FAMILIES: [&str; 16] = [
    "Ashdown",
    "Birkholz",
    "Castaing",
    "Dahlgren",
    "Elmhurst",
    "Fournier",
    "Grünwald",
    "Hazelden",
    "Ibsen",
    "Juniper",
    "Kastanje",
    "Lindqvist",
    "Moosbach",
    "Nussbaum",
    "Oakes",
    "Pereira",
];

pub(super) const TRADES: [&str; 12] = [
    "Joinery",
    "Cabinets",
    "Timber",
    "Interiors",
    "Flooring",
    "Carpentry",
    "Furniture",
    "Windows",
    "Stairs",
    "Veneers",
    "Workshops",
    "Restoration",
];

pub(super) const STREETS: [&str; 8] = [
    "Mill Lane",
    "Sawyer Street",
    "Forest Road",
    "Station Yard",
    "Market Square",
    "Weir Side",
    "Chapel Hill",
    "Long Acre",
];

pub(super) const GOODS: [&str; 16] = [
    "Oak board, planed",
    "Walnut veneer",
    "Beech dowel 8 mm",
    "Hardwax oil 1 l",
    "Brass hinge, pair",
    "Dovetail jig",
    "Ash worktop, oiled",
    "Bench vice",
    "Linen cord, roll",
    "Maple side table",
    "Birch plywood",
    "Chisel set, six",
    "Delivery",
    "Larch cladding",
    "Cut to size",
    "Drawer runner, soft",
];
