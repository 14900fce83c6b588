//! What the description says of a resource beyond what the table of operations knows: the names of its
//! members and parameters.

use conversations::{Mount, Verb};

use super::kind::Member;

/// One resource, wherever it stands.
pub struct Resource {
    /// As schemas and operations name it.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// The templates of its operations, and where those stand.
    pub paths: &'static [&'static str],
    pub mount: Mount,
    /// Whether it stands there for old clients alone.
    pub is_old: bool,
    /// What an answer shows, but for what follows.
    pub members: &'static [Member],
    /// Whether the service's path adds `chat_service_sid`.
    pub names_service: bool,
    /// Whether it prints its own `url`.
    pub prints_url: bool,
    /// The members of `links`; where there are none, neither is `links`.
    pub links: &'static [&'static str],
    /// What narrows or orders its list.
    pub filter: Form,
    pub create: Form,
    /// With which it is created.
    pub statuses: &'static [u16],
    pub update: Form,
}

/// What a form takes.
#[derive(Clone, Copy)]
pub struct Form {
    /// In groups, which several forms may share.
    pub parameters: &'static [&'static [Member]],
    pub required: &'static [&'static str],
    /// Forms that are taken, in URL encoding: of each kind one.
    pub examples: &'static [&'static str],
}

impl Form {
    /// Nothing.
    pub const NONE: Self = Self::of(&[]);

    /// With nothing that must be given.
    pub const fn of(parameters: &'static [&'static [Member]]) -> Self {
        Self { parameters, required: &[], examples: &[] }
    }

    /// All parameters.
    pub fn members(&self) -> impl Iterator<Item = &'static Member> {
        self.parameters.iter().copied().flatten()
    }
}

impl Resource {
    /// What most have, for those to be written over it.
    pub const MOST: Self = Self {
        name: "",
        about: "",
        paths: &[],
        mount: Mount::Both,
        is_old: false,
        members: &[],
        names_service: false,
        prints_url: true,
        links: &[],
        filter: Form::NONE,
        create: Form::NONE,
        statuses: &[201],
        update: Form::NONE,
    };

    /// What an operation of it takes.
    pub fn form(&self, verb: Verb) -> &Form {
        match verb {
            Verb::List => &self.filter,
            Verb::Create => &self.create,
            Verb::Update => &self.update,
            Verb::Fetch | Verb::Delete => &Form::NONE,
        }
    }
}
