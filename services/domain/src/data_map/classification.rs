//! What kinds of personal data there are: one closed list, after the W3C Data Privacy Vocabulary
//! (DPV 2, extension `pd`).

use crate::wire::wire_enum;

/// Which rule beyond Art. 6 a classification falls under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpecialRule {
    /// Special categories: forbidden but on a ground of Art. 9(2).
    Article9,
    /// Convictions and offences: only under official authority or as a law allows (Art. 10).
    Article10,
}

macro_rules! classifications {
    ($($name:ident = $text:literal, $title:literal, $term:literal, $rule:expr;)*) => {
        wire_enum! {
            /// What kind of personal data a field holds.
            Classification, "classification" {
                $(#[doc = concat!($title, " (", $term, ").")] $name = $text,)*
            }
        }

        impl Classification {
            /// For people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The term of the vocabulary that it follows.
            #[must_use]
            pub const fn dpv_term(self) -> &'static str {
                match self { $(Self::$name => $term,)* }
            }

            /// The rule beyond Art. 6 that it falls under, when there is one.
            #[must_use]
            pub const fn special_rule(self) -> Option<SpecialRule> {
                match self { $(Self::$name => $rule,)* }
            }
        }
    };
}

const A9: Option<SpecialRule> = Some(SpecialRule::Article9);
const A10: Option<SpecialRule> = Some(SpecialRule::Article10);

classifications! {
    Name = "name", "Name", "pd:Name", None;
    EmailAddress = "email_address", "E-mail address", "pd:EmailAddress", None;
    PhoneNumber = "phone_number", "Phone number", "pd:TelephoneNumber", None;
    PhysicalAddress = "physical_address", "Postal address", "pd:PhysicalAddress", None;
    Identifier = "identifier", "Identifier", "pd:Identifying", None;
    Username = "username", "User name", "pd:Username", None;
    Authentication = "authentication", "Authentication data", "pd:Authenticating", None;
    OfficialId = "official_id", "Official or national number", "pd:OfficialID", None;
    BirthDate = "birth_date", "Date of birth", "pd:BirthDate", None;
    Age = "age", "Age", "pd:Age", None;
    Gender = "gender", "Gender", "pd:Gender", None;
    Nationality = "nationality", "Nationality", "pd:Nationality", None;
    Language = "language", "Language", "pd:Language", None;
    Demographic = "demographic", "Demographic data", "pd:Demographic", None;
    Family = "family", "Family", "pd:Family", None;
    Photo = "photo", "Picture", "pd:Picture", None;
    Communication = "communication", "Communication", "pd:Communication", None;
    Employment = "employment", "Employment", "pd:EmploymentHistory", None;
    Education = "education", "Education", "pd:Education", None;
    Financial = "financial", "Financial data", "pd:Financial", None;
    BankAccount = "bank_account", "Bank account", "pd:BankAccount", None;
    PaymentCard = "payment_card", "Payment card", "pd:PaymentCardNumber", None;
    Transaction = "transaction", "Purchases and payments", "pd:Transaction", None;
    Preference = "preference", "Preference", "pd:Preference", None;
    Interest = "interest", "Interest", "pd:Interest", None;
    Behavioural = "behavioural", "Behaviour", "pd:Behavioral", None;
    Location = "location", "Location", "pd:Location", None;
    IpAddress = "ip_address", "IP address", "pd:IPAddress", None;
    DeviceIdentifier = "device_identifier", "Device", "pd:DeviceBased", None;
    Opinion = "opinion", "Opinion about or of the person", "pd:Opinion", None;
    Score = "score", "Score or rating", "pd:CreditScore", None;
    Other = "other", "Other personal data", "dpv:PersonalData", None;
    Health = "health", "Health", "pd:Health", A9;
    HealthRecord = "health_record", "Health record", "pd:HealthRecord", A9;
    Genetic = "genetic", "Genetic data", "pd:Genetic", A9;
    Biometric = "biometric", "Biometric data", "pd:Biometric", A9;
    EthnicOrigin = "ethnic_origin", "Racial or ethnic origin", "pd:EthnicOrigin", A9;
    PoliticalOpinion = "political_opinion", "Political opinion", "pd:PoliticalOpinion", A9;
    Belief = "belief", "Religious or philosophical belief", "pd:ReligiousBelief", A9;
    TradeUnion = "trade_union", "Trade union membership", "pd:TradeUnionMembership", A9;
    SexualLife = "sexual_life", "Sex life or orientation", "pd:Sexual", A9;
    Criminal = "criminal", "Convictions and offences", "pd:Criminal", A10;
}

impl Classification {
    /// Whether Art. 9 or Art. 10 asks for more than a lawful basis.
    #[must_use]
    pub const fn is_special(self) -> bool {
        self.special_rule().is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Classification as C;

    #[test]
    fn terms_are_unique_and_special_ones_are_those_of_the_law() {
        let terms: HashSet<_> = C::ALL.iter().map(|c| c.dpv_term()).collect();
        assert_eq!(terms.len(), C::ALL.len());
        let special: Vec<_> = C::ALL.iter().filter(|c| c.is_special()).collect();
        assert_eq!(special.len(), 10);
        assert!(C::Criminal.is_special() && !C::Gender.is_special());
    }
}
