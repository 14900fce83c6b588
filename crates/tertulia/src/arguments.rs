//! The command line.

#![expect(clippy::doc_markdown, reason = "these comments are help texts, printed as they stand")]

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::given::{Given, Place};

/// A self-hosted server that speaks the wire protocol of Twilio Conversations.
#[derive(Parser)]
#[command(name = "tertulia", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serve the API
    ///
    /// The first start makes an account and prints its credentials; TERTULIA_ACCOUNT_SID,
    /// TERTULIA_AUTH_TOKEN, TERTULIA_API_KEY_SID and TERTULIA_API_KEY_SECRET pin them. Secrets are taken from
    /// the environment or the configuration file and not from flags; a variable with _FILE at its end
    /// names a file that holds the secret.
    Serve(Box<Given>),

    /// Run a program, unchanged, whose calls to Twilio come here
    ///
    /// `tertulia intercept -- pytest` runs pytest with a proxy and a certificate authority in its environment, made for
    /// this run, so that what it sends to conversations.twilio.com and Twilio's other hosts arrives at a
    /// server of this machine. Requests to other hosts are refused. The command ends with the status of the program.
    ///
    /// Where a server runs on the data directory, the program is led to that one. Otherwise it gets a server of
    /// its own: a new and empty one that is gone afterwards, or one that keeps what it has where --data,
    /// --database or their variables say so. Of its own server the program gets TWILIO_ACCOUNT_SID and
    /// TWILIO_AUTH_TOKEN unless it has them; if it has, the server is made to know them, and TWILIO_API_KEY and
    /// TWILIO_API_SECRET too. TERTULIA_URL is the address of the server itself.
    ///
    /// The server of its own listens on a free port, serves no metrics and logs warnings only, unless
    /// --listen, --metrics-listen or --log-level say otherwise.
    Intercept(Box<Intercept>),

    /// Administer accounts
    ///
    /// Speaks to the server that runs on the data directory, or opens the database where none runs.
    #[command(subcommand)]
    Account(AccountCommand),

    /// Administer the API keys of an account
    ///
    /// Speaks to the server that runs on the data directory, or opens the database where none runs. A
    /// running server allows it by a token that only the owner of the data directory can read.
    #[command(subcommand)]
    Key(KeyCommand),

    /// Print an access token, which the client SDK signs a user in with
    ///
    /// It is signed by a key of the account that is made for tokens, or by the one that is named; deleting the key
    /// takes back all tokens it has signed. Speaks to the server that runs on the data directory, or opens the
    /// database where none runs.
    Token(TokenArguments),

    /// Administer the content templates of an account, which messages name by ContentSid
    ///
    /// Speaks to the server that runs on the data directory, or opens the database where none runs. A
    /// template of more than a text is posted to /tertulia/v1/ContentTemplates.
    #[command(subcommand)]
    Template(TemplateCommand),

    /// Watch deliveries to the webhooks of an account, and send them again
    ///
    /// Speaks to the server that runs on the data directory, or opens the database where none runs.
    #[command(subcommand)]
    Webhooks(WebhooksCommand),

    /// Check flags, environment and configuration file as `serve` would read them
    CheckConfig {
        #[command(flatten)]
        given: Box<Given>,

        /// Print the commented default configuration instead
        #[arg(long)]
        print_defaults: bool,
    },
}

#[derive(Subcommand)]
pub enum AccountCommand {
    /// List the accounts, oldest first
    List {
        #[command(flatten)]
        common: Common,
    },

    /// Make an account; its auth token is shown this once
    Create {
        /// A name for people
        #[arg(long, value_name = "NAME")]
        friendly_name: Option<String>,

        #[command(flatten)]
        common: Common,
    },

    /// Make a new auth token for an account; it is shown this once
    ///
    /// A secondary token is accepted beside the primary one, so that clients can move to it one by one;
    /// `promote` ends the time of the old token. A new primary token replaces the old one at once.
    Rotate {
        /// The account
        #[arg(value_name = "ACCOUNT_SID")]
        sid: String,

        /// Which of the two tokens to replace
        #[arg(long, value_enum, default_value_t = Which::Secondary)]
        which: Which,

        #[command(flatten)]
        common: Common,
    },

    /// Make the secondary auth token of an account its primary one; the old primary ends
    Promote {
        /// The account
        #[arg(value_name = "ACCOUNT_SID")]
        sid: String,

        #[command(flatten)]
        common: Common,
    },
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// List the keys of an account, oldest first
    List {
        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },

    /// Make a key; its secret is shown this once
    Create {
        /// A name for people
        #[arg(long, value_name = "NAME")]
        friendly_name: Option<String>,

        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },

    /// Take a key back
    Delete {
        /// The key
        #[arg(value_name = "KEY_SID")]
        sid: String,

        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },
}

#[derive(Subcommand)]
pub enum TemplateCommand {
    /// List the templates of an account, oldest first
    List {
        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },

    /// Make a template of a text
    Create {
        /// The text; {{1}} or {{name}} stands for a variable
        #[arg(value_name = "TEXT")]
        text: String,

        /// A name for people
        #[arg(long, value_name = "NAME")]
        friendly_name: Option<String>,

        /// Its sid, where it comes from elsewhere
        #[arg(long, value_name = "CONTENT_SID")]
        sid: Option<String>,

        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },

    /// Remove a template; messages keep what they said
    Delete {
        /// The template
        #[arg(value_name = "CONTENT_SID")]
        sid: String,

        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },
}

#[derive(Subcommand)]
pub enum WebhooksCommand {
    /// Show the last deliveries that were tried, and each new one, a line each, until Ctrl-C
    ///
    /// A line tells when it was tried, what became of it (delivered, waiting for another try, dead), the event, whose
    /// webhook it is and where it leads, how long it took, and the answer's status. Where no server runs, nothing is
    /// sent: the last lines are shown, and that is all.
    Tail {
        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },

    /// Send deliveries again, under their tokens
    ///
    /// Where no server runs they are marked, and go out when one starts.
    Replay {
        /// The delivery
        #[arg(value_name = "DELIVERY_SID", required_unless_present = "failed", conflicts_with = "failed")]
        delivery: Option<String>,

        /// All that were given up
        #[arg(long)]
        failed: bool,

        /// Only those to this target: account, service, webhook, or the sid of one
        #[arg(long, requires = "failed")]
        target: Option<String>,

        /// Only those of this event
        #[arg(long, value_name = "EVENT_TYPE", requires = "failed")]
        event: Option<String>,

        /// Only those of this conversation
        #[arg(long, value_name = "CONVERSATION_SID", requires = "failed")]
        conversation: Option<String>,

        #[command(flatten)]
        account: OfAccount,

        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args)]
pub struct Intercept {
    /// Let requests to other hosts than Twilio's through
    #[arg(long)]
    pub passthrough: bool,

    /// Start a new and empty server even where one runs; it is gone afterwards
    #[arg(long, conflicts_with_all = ["data", "database"])]
    pub ephemeral: bool,

    #[command(flatten)]
    pub given: Given,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Args)]
pub struct TokenArguments {
    /// Who the user is; the service need not know it yet
    #[arg(long)]
    pub identity: String,

    /// The conversation service; absent for the account's default one
    #[arg(long, value_name = "CHAT_SERVICE_SID")]
    pub service: Option<String>,

    /// For how many seconds it is good, at most 86400
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub ttl: u32,

    /// The API key that signs it
    #[arg(long, value_name = "KEY_SID")]
    pub key: Option<String>,

    /// What pushes to the user's device go out with
    #[arg(long, value_name = "CREDENTIAL_SID")]
    pub push_credential: Option<String>,

    #[command(flatten)]
    pub account: OfAccount,

    #[command(flatten)]
    pub common: Common,
}

/// What every administrative command takes.
#[derive(Args)]
pub struct Common {
    #[command(flatten)]
    pub place: Place,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct OfAccount {
    /// The account; absent for the oldest one
    #[arg(long = "account", value_name = "ACCOUNT_SID")]
    pub account_sid: Option<String>,
}

/// One of an account's two auth tokens.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Which {
    Primary,
    Secondary,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_nobody_knows_is_an_error() {
        for line in [&["tertulia", "serve", "--lisen", "x"][..], &["tertulia", "sevre"], &["tertulia"]] {
            assert!(Arguments::try_parse_from(line).is_err(), "{line:?}");
        }
        assert!(Arguments::try_parse_from(["tertulia", "serve", "--strict", "--lenient"]).is_err());
    }
}
