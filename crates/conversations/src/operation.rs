//! The table of operations: verb and path on one side, a function of one transaction on the other.
//!
//! A door (REST today, the SDK's commands later) finds the operation, hands it the path's values and
//! the form, and gets [`Work`] to run: a read, or a write with the roots it will lock. Forms are read
//! before the transaction; what they refuse is answered only after [`locate`](crate::locate) has found
//! every object of the path, because a 404 comes before a 400.

use std::sync::Arc;

use serde::Serialize;
use store::{Opening, Roots, Tx};
use wire::{Form, Key, PageRequest, Prefix, Problem, Sid, Tokens, json, meta};

use crate::call::{Call, Scope};
use crate::failure::Failure;
use crate::paging::Page;
use crate::resource::{Resource, render};
use crate::{Conversation, Role, User};

/// What a request wants done with the resource of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET of a list.
    List,
    /// GET of one.
    Fetch,
    /// POST to a list.
    Create,
    /// POST to one.
    Update,
    /// DELETE of one.
    Delete,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// Below `/v1` alone.
    Account,
    /// Below `/v1/Services/{ChatServiceSid}` alone.
    Service,
    /// Below both.
    Both,
}

/// A form that an operation takes, read once and checked for all that needs no look at the store.
pub trait FromForm: Sized + Send + Sync + 'static {
    /// Reads the parameters. Unknown ones are nobody's.
    fn from_form(call: &Call, form: &Form) -> Result<Self, Problem>;
}

/// The form of an operation without parameters.
pub struct NoParameters;

impl FromForm for NoParameters {
    fn from_form(_: &Call, _: &Form) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// What narrows or orders a list.
pub trait Filter: FromForm {
    /// The parameters as the page's URLs carry them on: those given, in their normal form.
    fn parameters(&self) -> Vec<(&'static str, String)>;
}

impl Filter for NoParameters {
    fn parameters(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// The length of a list's pages, and the name that its items stand under.
#[derive(Clone, Copy)]
pub struct Paged {
    /// `conversations`, `delivery_receipts`.
    pub key: &'static str,
    /// Items on a page where nothing is asked.
    pub default: usize,
    /// What a larger `PageSize` is cut to.
    pub max: usize,
}

impl Paged {
    /// Fifty to the page, `max` at the most.
    pub const fn new(key: &'static str, max: usize) -> Self {
        Self { key, default: 50, max }
    }
}

/// The values of a path, decoded.
pub struct Path {
    values: Vec<(&'static str, String)>,
}

impl Path {
    /// `values` in the order of the path.
    pub fn new(values: Vec<(&'static str, String)>) -> Self {
        Self { values }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// What names a thing by sid or name.
    pub fn key<R: Prefix>(&self, name: &'static str) -> Key<R> {
        Key::parse(self.get(name).expect("an operation asks for what its template names"))
    }

    /// The same, where the path may lack it.
    pub fn find_key<R: Prefix>(&self, name: &'static str) -> Option<Key<R>> {
        self.get(name).map(Key::parse)
    }

    /// What names a thing by its sid alone: anything else is not found.
    pub fn sid<R: Prefix>(&self, call: &Call, name: &'static str) -> Result<Sid<R>, Problem> {
        match self.key(name) {
            Key::Sid(sid) => Ok(sid),
            Key::Name(_) => Err(call.not_found()),
        }
    }

    /// The roots that the path names by their sids, and the user who an identity was last. Those named otherwise are
    /// found, and locked, by the operation itself.
    fn roots(&self, call: &Call) -> Roots {
        let mut roots = Roots::none();
        if let Some(Key::Sid(sid)) = self.find_key::<Conversation>("ConversationSid") {
            roots.push(Conversation::root(sid));
        }
        let user = self.find_key::<User>("UserSid");
        if let Some(sid) = user.and_then(|user| call.guess.user(call.service_sid, &user)) {
            roots.push(User::root(sid));
        }
        if let Some(Key::Sid(sid)) = self.find_key::<Role>("RoleSid") {
            roots.push(Role::root(sid));
        }
        roots
    }
}

/// What a door is to answer with, once the transaction stands.
pub struct Answer {
    /// 200, 201, 202 or 204.
    pub status: u16,
    /// Whether it comes out of an earlier request's store.
    pub is_replayed: bool,
    body: Body,
}

enum Body {
    Empty,
    Ready(Vec<u8>),
    Record(Box<dyn Rendered>),
}

impl Answer {
    /// One that was given before.
    pub fn replayed(status: u16, body: Vec<u8>) -> Self {
        Self { status, is_replayed: true, body: Body::Ready(body) }
    }

    /// The JSON, as it would be for this call.
    pub fn render(&self, call: &Call) -> Vec<u8> {
        match &self.body {
            Body::Empty => Vec::new(),
            Body::Ready(bytes) => bytes.clone(),
            Body::Record(record) => record.bytes(call),
        }
    }

    /// The JSON, rendered now: outside the writer's thread.
    pub fn body(self, call: &Call) -> Vec<u8> {
        match self.body {
            Body::Ready(bytes) => bytes,
            _ => self.render(call),
        }
    }
}

trait Rendered: Send {
    fn bytes(&self, call: &Call) -> Vec<u8>;
}

impl<R: Resource + Send> Rendered for R {
    fn bytes(&self, call: &Call) -> Vec<u8> {
        // What most need; a little more, and the allocator would tidy up each time.
        let mut out = Vec::with_capacity(1024);
        render(self, call, &mut out);
        out
    }
}

type ReadWork = Box<dyn FnOnce(&mut Tx<'_>) -> Result<Answer, Failure> + Send>;
type WriteBody = Box<dyn Fn(&mut Tx<'_>) -> Result<Answer, Failure> + Send>;

/// A write, ready to run.
pub struct WriteWork {
    /// What its body reads first, where that is known and may go ahead of it.
    pub opening: Option<Opening>,
    /// Its body.
    pub run: WriteBody,
}

/// One operation with its form read, ready to run.
pub enum Work {
    /// Sees one moment of the store.
    Read(ReadWork),
    /// Locks the roots, decides, writes. May run more than once; only the last run counts.
    Write(Roots, WriteWork),
}

/// What an operation reads first with this form, where that is known: see [`Opening`].
type Open<F> = fn(&Call, &Path, &F) -> Option<Opening>;
/// The same of one that reads: all that it asks where everything is there.
type Look = fn(&Call, &Path) -> Vec<Opening>;
type List<F, R> = fn(&mut Tx<'_>, &Call, &Path, &F, &PageRequest) -> Result<Page<R>, Failure>;
type Prepare = Box<dyn Fn(&Arc<Call>, &Arc<Path>, &Form) -> Result<Work, Problem> + Send + Sync>;

/// One row of the table.
pub struct Operation {
    /// What it does.
    pub verb: Verb,
    /// Where it stands.
    pub mount: Mount,
    /// `/Conversations/{ConversationSid}/Participants`.
    pub template: &'static str,
    /// The pages of a list.
    pub paged: Option<Paged>,
    /// Whether it may change what calls are told of their account: the service that short paths lead to.
    pub changes_account: bool,
    /// Whether it may put something on its way to webhooks, heard or not.
    pub starts_deliveries: bool,
    /// Whether users of the client SDK may ask for it: their roles decide then. Everything else is closed to them.
    pub is_for_clients: bool,
    look: Option<Look>,
    prepare: Prepare,
}

impl Operation {
    /// What it reads, where that is known. What a client may see is found out step by step.
    pub fn openings(&self, call: &Call, path: &Path) -> Vec<Opening> {
        let look = self.look.filter(|_| call.client().is_none());
        look.map(|look| look(call, path)).unwrap_or_default()
    }

    /// Reads the form and binds it, the call and the path to the work to be done.
    pub fn prepare(&self, call: &Arc<Call>, path: &Arc<Path>, form: &Form) -> Result<Work, Problem> {
        if call.client().is_some() && !self.is_for_clients {
            return Err(Problem::USER_NOT_AUTHORIZED);
        }
        (self.prepare)(call, path, form)
    }

    fn new(verb: Verb, template: &'static str, paged: Option<Paged>, prepare: Prepare) -> Self {
        Self {
            verb,
            mount: Mount::Both,
            template,
            paged,
            changes_account: false,
            starts_deliveries: false,
            is_for_clients: false,
            look: None,
            prepare,
        }
    }

    /// Moves an operation that does not stand at both places.
    #[must_use]
    pub fn at(self, mount: Mount) -> Self {
        Self { mount, ..self }
    }

    /// Says that what is remembered of the account is old once the operation was run.
    #[must_use]
    pub fn changing_account(self) -> Self {
        Self { changes_account: true, ..self }
    }

    /// Says that there may be something to deliver once the operation was run, whoever was to hear of it.
    #[must_use]
    pub fn starting_deliveries(self) -> Self {
        Self { starts_deliveries: true, ..self }
    }

    /// Opens it to users of the client SDK. Whoever says so has asked what their roles allow, in the transaction.
    #[must_use]
    pub fn for_clients(self) -> Self {
        Self { is_for_clients: true, ..self }
    }

    /// GET of one.
    pub fn fetch<R: Resource + Send + 'static>(
        template: &'static str,
        run: fn(&mut Tx<'_>, &Call, &Path) -> Result<R, Failure>,
    ) -> Self {
        let prepare: Prepare = Box::new(move |call, path, _| {
            let (call, path) = (Arc::clone(call), Arc::clone(path));
            Ok(Work::Read(Box::new(move |tx| record(200, run(tx, &call, &path)?))))
        });
        Self::new(Verb::Fetch, template, None, prepare)
    }

    /// The same, where it may be known before the operation runs what it reads.
    pub fn fetch_opening<R: Resource + Send + 'static>(
        template: &'static str,
        look: Look,
        run: fn(&mut Tx<'_>, &Call, &Path) -> Result<R, Failure>,
    ) -> Self {
        Self { look: Some(look), ..Self::fetch(template, run) }
    }

    /// GET of a list. The page is rendered where it is read.
    pub fn list<F: Filter, R: Resource + 'static>(
        template: &'static str,
        paged: Paged,
        run: List<F, R>,
    ) -> Self {
        let prepare: Prepare = Box::new(move |call, path, form| {
            let filter = F::from_form(call, form)?;
            let list = list_of(call, &filter.parameters());
            let request = PageRequest::parse(form, (paged.default, paged.max), list)?;
            let (call, path) = (Arc::clone(call), Arc::clone(path));
            Ok(Work::Read(Box::new(move |tx| {
                let page = run(tx, &call, &path, &filter, &request)?;
                let (next, previous) = (page.next, page.previous);
                let body = if call.scope == Scope::Client {
                    let about = Tokens::new(request.list, next, previous);
                    render_page(&page.items, &call, &about, paged)
                } else {
                    let url = call.root_url(format_args!("{}", call.path));
                    let about = meta(&url, &filter.parameters(), &request, next, previous, paged.key);
                    render_page(&page.items, &call, &about, paged)
                };
                Ok(Answer { status: 200, is_replayed: false, body: Body::Ready(body) })
            })))
        });
        Self::new(Verb::List, template, Some(paged), prepare)
    }

    /// POST to a list.
    pub fn create<F: FromForm, R: Resource + Send + 'static>(
        template: &'static str,
        run: fn(&mut Tx<'_>, &Call, &Path, &F) -> Result<R, Failure>,
    ) -> Self {
        Self::writing(Verb::Create, template, (|_| 201, unopened), run)
    }

    /// The same, where it may be known before the operation runs what it reads first.
    pub fn create_opening<F: FromForm, R: Resource + Send + 'static>(
        template: &'static str,
        open: Open<F>,
        run: fn(&mut Tx<'_>, &Call, &Path, &F) -> Result<R, Failure>,
    ) -> Self {
        Self::writing(Verb::Create, template, (|_| 201, open), run)
    }

    /// The same, where the status depends on what was made.
    pub fn create_with_status<F: FromForm, R: Resource + Send + 'static>(
        template: &'static str,
        status: fn(&R) -> u16,
        run: fn(&mut Tx<'_>, &Call, &Path, &F) -> Result<R, Failure>,
    ) -> Self {
        Self::writing(Verb::Create, template, (status, unopened), run)
    }

    /// POST to one.
    pub fn update<F: FromForm, R: Resource + Send + 'static>(
        template: &'static str,
        run: fn(&mut Tx<'_>, &Call, &Path, &F) -> Result<R, Failure>,
    ) -> Self {
        Self::writing(Verb::Update, template, (|_| 200, unopened), run)
    }

    /// The same, where it may be known before the operation runs what it reads first.
    pub fn update_opening<F: FromForm, R: Resource + Send + 'static>(
        template: &'static str,
        open: Open<F>,
        run: fn(&mut Tx<'_>, &Call, &Path, &F) -> Result<R, Failure>,
    ) -> Self {
        Self::writing(Verb::Update, template, (|_| 200, open), run)
    }

    /// DELETE of one.
    pub fn delete(template: &'static str, run: fn(&mut Tx<'_>, &Call, &Path) -> Result<(), Failure>) -> Self {
        let prepare: Prepare = Box::new(move |call, path, _| {
            let (call, path) = (Arc::clone(call), Arc::clone(path));
            let roots = path.roots(&call);
            let run: WriteBody = Box::new(move |tx| {
                run(tx, &call, &path)?;
                Ok(Answer { status: 204, is_replayed: false, body: Body::Empty })
            });
            Ok(Work::Write(roots, WriteWork { opening: None, run }))
        });
        Self::new(Verb::Delete, template, None, prepare)
    }

    fn writing<F: FromForm, R: Resource + Send + 'static>(
        verb: Verb,
        template: &'static str,
        (status, open): (fn(&R) -> u16, Open<F>),
        run: fn(&mut Tx<'_>, &Call, &Path, &F) -> Result<R, Failure>,
    ) -> Self {
        let prepare: Prepare = Box::new(move |call, path, form| {
            let form = F::from_form(call, form)?;
            let (call, path) = (Arc::clone(call), Arc::clone(path));
            let (roots, opening) = (path.roots(&call), open(&call, &path, &form));
            let run: WriteBody = Box::new(move |tx| {
                let resource = run(tx, &call, &path, &form)?;
                record(status(&resource), resource)
            });
            Ok(Work::Write(roots, WriteWork { opening, run }))
        });
        Self::new(verb, template, None, prepare)
    }
}

fn unopened<F>(_: &Call, _: &Path, _: &F) -> Option<Opening> {
    None
}

#[expect(clippy::unnecessary_wraps, reason = "it ends the closures above")]
fn record<R: Resource + Send + 'static>(status: u16, resource: R) -> Result<Answer, Failure> {
    Ok(Answer { status, is_replayed: false, body: Body::Record(Box::new(resource)) })
}

/// A list is told from others by whose it is, where it stands and what narrows it.
fn list_of(call: &Call, filters: &[(&'static str, String)]) -> wire::List {
    let mut text = format!("{} {}", call.account_sid, call.path);
    for (name, value) in filters {
        text.push('&');
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    wire::List::of(&text)
}

fn render_page<R: Resource>(items: &[R], call: &Call, about: &impl Serialize, paged: Paged) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024 * (items.len() + 1));
    out.extend_from_slice(b"{\"meta\":");
    json::write(&mut out, about);
    out.extend_from_slice(b",\"");
    out.extend_from_slice(paged.key.as_bytes());
    out.extend_from_slice(b"\":[");
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        render(item, call, &mut out);
    }
    out.extend_from_slice(b"]}");
    out
}
