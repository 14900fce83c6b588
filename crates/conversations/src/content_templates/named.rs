//! How a message names a template: `ContentSid` and `ContentVariables`.

use super::ContentTemplate;
use super::text::Variables;
use crate::prelude::*;

// Twilio's limits, in characters. The whole is what a hundred variables of the largest size come to.
const LENGTH: usize = 27_801;
const VARIABLES: usize = 100;
const KEY_LENGTH: usize = 16;
const VALUE_LENGTH: usize = 256;

/// A template, and what stands for its variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedContent {
    pub sid: Sid<ContentTemplate>,
    pub(super) variables: Variables,
}

impl NamedContent {
    /// None where the form names none. An empty text is none too.
    pub fn from_form(call: &Call, form: &Form) -> Result<Option<Self>, Problem> {
        let text = |name| form.get(name).filter(|text| !text.is_empty());
        let variables = text("ContentVariables");
        let Some(sid) = text("ContentSid") else {
            return if variables.is_some() { Err(Problem::CONTENT_SID_MISSING) } else { Ok(None) };
        };
        let sid = Sid::parse(sid).ok_or(Problem::INVALID_CONTENT_SID)?;
        let variables = variables.map_or_else(|| Ok(Variables::default()), |json| parse(call, json))?;
        Ok(Some(Self { sid, variables }))
    }
}

fn parse(call: &Call, json: &str) -> Result<Variables, Problem> {
    let is_longer = |text: &str, length| text.chars().count() > call.limits.limit(length);
    if is_longer(json, LENGTH) {
        return Err(Problem::CONTENT_VARIABLES_TOO_LONG);
    }
    let variables = Variables::parse(json).ok_or(Problem::INVALID_CONTENT_VARIABLES)?;
    if variables.iter().len() > call.limits.limit(VARIABLES) {
        return Err(Problem::CONTENT_VARIABLES_TOO_LONG);
    }
    if variables.iter().any(|(key, _)| is_longer(key, KEY_LENGTH)) {
        return Err(Problem::CONTENT_VARIABLE_KEY_TOO_LONG);
    }
    if variables.iter().any(|(_, value)| is_longer(value, VALUE_LENGTH)) {
        return Err(Problem::CONTENT_VARIABLE_VALUE_TOO_LONG);
    }
    Ok(variables)
}
