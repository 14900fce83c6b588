//! Pages of a list: rows in the order of a key, the next page beginning after the last row's key.

use std::cmp::Ordering;
use std::fmt::Write;

use store::{Record, Row, StoreError, Tx, Value};
use wire::{Cursor, PageRequest, Position, Timestamp};

/// One page, and where its neighbours begin.
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// What the next page comes after; none at the end.
    pub next: Option<Cursor>,
    /// What the previous page comes before; none at the start.
    pub previous: Option<Cursor>,
}

/// What orders a list: columns that the index behind it has at its end.
pub struct Order {
    first: By,
    second: Option<By>,
    descending: bool,
    /// The column with the first one's whole seconds, where the index has that in place of both.
    seconds: Option<&'static str>,
    /// What the first column is at least and at most.
    within: (Option<i64>, Option<i64>),
}

/// A column and the part of a cursor that it is compared with.
#[derive(Clone, Copy)]
enum By {
    /// A date, a position or an index.
    At(&'static str),
    Sid(&'static str),
}

impl Order {
    /// Oldest first; the sid decides where `at` is not unique.
    pub const fn ascending(at: &'static str, sid: Option<&'static str>) -> Self {
        let second = match sid {
            Some(sid) => Some(By::Sid(sid)),
            None => None,
        };
        Self { first: By::At(at), second, descending: false, seconds: None, within: (None, None) }
    }

    /// Newest first.
    pub const fn descending(at: &'static str, sid: Option<&'static str>) -> Self {
        Self { descending: true, ..Self::ascending(at, sid) }
    }

    /// By a sid, and within it by `at` where a sid may come twice.
    pub const fn by_sid(sid: &'static str, at: Option<&'static str>) -> Self {
        let second = match at {
            Some(at) => Some(By::At(at)),
            None => None,
        };
        Self { first: By::Sid(sid), second, descending: false, seconds: None, within: (None, None) }
    }

    /// The same order, read from an index that knows of `at` its whole seconds, which stand in `column`: the rows
    /// of a second are sorted when they are read.
    #[must_use]
    pub const fn in_seconds(self, column: &'static str) -> Self {
        Self { seconds: Some(column), ..self }
    }

    /// Narrowed to what is `from` at least and `to` at most, of what `at` is.
    ///
    /// A range of the ordering column belongs here and not into a WHERE: of two lower bounds `SQLite` seeks by
    /// the one that it likes, and would read everything from the range's begin up to the page.
    #[must_use]
    pub const fn within(self, from: Option<i64>, to: Option<i64>) -> Self {
        Self { within: (from, to), ..self }
    }

    fn columns(&self) -> impl Iterator<Item = By> {
        [Some(self.first), self.second].into_iter().flatten()
    }

    fn compare(&self, one: &Cursor, other: &Cursor) -> Ordering {
        let parts = self.columns().map(|by| match by {
            By::At(_) => one.at.cmp(&other.at),
            By::Sid(_) => one.sid.cmp(&other.sid),
        });
        let ascending = parts.fold(Ordering::Equal, Ordering::then);
        if self.descending { ascending.reverse() } else { ascending }
    }
}

impl By {
    fn column(self) -> &'static str {
        match self {
            Self::At(column) | Self::Sid(column) => column,
        }
    }

    fn of(self, cursor: &Cursor) -> &dyn Value {
        match self {
            Self::At(_) => &cursor.at,
            Self::Sid(_) => &cursor.sid,
        }
    }
}

/// The order of most lists: oldest first.
pub const BY_CREATION: Order = Order::ascending("date_created", Some("sid"));

/// Reads one page of records that meet `condition`, a WHERE.
pub fn list<R: Record>(
    tx: &mut Tx<'_>,
    (condition, params): (&str, &[&dyn Value]),
    order: &Order,
    request: &PageRequest,
    cursor: impl Fn(&R) -> Cursor,
) -> Result<Page<R>, StoreError> {
    let select = format!("SELECT {} FROM {} {condition}", R::COLUMNS, R::TABLE);
    page(tx, (&select, params), order, request, (R::read, cursor))
}

/// Reads one page. `select` is a query up to and with its WHERE, if it needs one beside the order's range;
/// `params` what it binds; `cursor` tells the key of a row.
///
/// A query that joins more to its rows says `{page}` behind the WHERE of a subquery which finds them by
/// what orders the list alone, so that nothing is joined to rows of other pages.
pub fn page<T>(
    tx: &mut Tx<'_>,
    select: (&str, &[&dyn Value]),
    order: &Order,
    request: &PageRequest,
    (read, cursor): (impl FnMut(&mut Row<'_>) -> Result<T, StoreError>, impl Fn(&T) -> Cursor),
) -> Result<Page<T>, StoreError> {
    Ok(arrange(rows(tx, select, order, request, read)?, order, request, cursor))
}

/// Reads the rows of one page and one more, in the direction of the request.
pub fn rows<T>(
    tx: &mut Tx<'_>,
    (select, params): (&str, &[&dyn Value]),
    order: &Order,
    request: &PageRequest,
    read: impl FnMut(&mut Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let limit = i64::try_from(request.size + 1).expect("a page has at most some hundred rows");
    let mut bound = params.to_vec();
    let (before, after) = select.split_once("{page}").unwrap_or((select, ""));
    let second = match &request.position {
        Position::Start => 0,
        Position::After(cursor) | Position::Before(cursor) => {
            Timestamp::from_micros(cursor.at).unix_seconds()
        }
    };
    let mut seek = seek(before, &mut bound, (order, &second), &request.position);
    bound.push(&limit);
    let _ = write!(seek, " LIMIT ${}", bound.len());
    tx.rows(&format!("{before}{seek}{after}"), &bound, read)
}

/// The comparisons that begin and end the page's range, each at most once, and the ORDER BY. Where the index knows
/// seconds, the range begins with the one that the cursor lies in.
fn seek<'a>(
    select: &str,
    bound: &mut Vec<&'a dyn Value>,
    (order, second): (&'a Order, &'a i64),
    position: &'a Position,
) -> String {
    let (from, backwards) = match position {
        Position::Start => (None, false),
        Position::After(cursor) => (Some(cursor), false),
        Position::Before(cursor) => (Some(cursor), true),
    };
    let is_ascending = order.descending == backwards;
    let mut conditions = Vec::new();
    let (low, high) = &order.within;
    for (limit, of_range, of_page, is_lower) in [(low, ">=", ">", true), (high, "<=", "<", false)] {
        // A cursor outside of the range is one that somebody has made up.
        let is_within = |at: i64| limit.is_none_or(|limit| if is_lower { at >= limit } else { at <= limit });
        let page = from.filter(|cursor| is_lower == is_ascending && is_within(cursor.at));
        if let Some(cursor) = page {
            if let Some(seconds) = order.seconds {
                bound.push(second);
                conditions.push(format!("{seconds} {of_range} ${}", bound.len()));
            }
            let (columns, places): (Vec<_>, Vec<_>) = order
                .columns()
                .map(|by| {
                    bound.push(by.of(cursor));
                    (by.column(), format!("${}", bound.len()))
                })
                .unzip();
            conditions.push(format!("({}) {of_page} ({})", columns.join(", "), places.join(", ")));
        } else if let Some(limit) = limit {
            bound.push(limit);
            conditions.push(format!("{} {of_range} ${}", order.first.column(), bound.len()));
        }
    }
    let mut sql = String::new();
    let mut glue = if select.contains(" WHERE ") { "AND" } else { "WHERE" };
    for condition in conditions {
        let _ = write!(sql, " {glue} {condition}");
        glue = "AND";
    }
    let direction = if is_ascending { "ASC" } else { "DESC" };
    let columns = order.seconds.into_iter().chain(order.columns().map(By::column));
    let columns: Vec<_> = columns.map(|column| format!("{column} {direction}")).collect();
    let _ = write!(sql, " ORDER BY {}", columns.join(", "));
    sql
}

/// Makes a page of rows that were read one further than the page is long, or of several such reads that
/// together hold it.
pub fn arrange<T>(
    mut rows: Vec<T>,
    order: &Order,
    request: &PageRequest,
    cursor: impl Fn(&T) -> Cursor,
) -> Page<T> {
    // What was joined to a page, or merged, comes in any order.
    rows.sort_by(|one, other| order.compare(&cursor(one), &cursor(other)));
    let more = rows.len() > request.size;
    if let Position::Before(_) = request.position {
        rows.drain(..rows.len().saturating_sub(request.size));
    } else {
        rows.truncate(request.size);
    }
    // A page that was emptied since has no rows to tell the way: its neighbour is the end of the list.
    let (begin, end) = if order.descending { (HIGHEST, LOWEST) } else { (LOWEST, HIGHEST) };
    let first = rows.first().map(&cursor);
    let last = rows.last().map(&cursor);
    match request.position {
        Position::Start => Page { items: rows, next: last.filter(|_| more), previous: None },
        Position::After(_) => {
            Page { items: rows, next: last.filter(|_| more), previous: first.or(Some(end)) }
        }
        Position::Before(_) => {
            Page { items: rows, next: last.or(Some(begin)), previous: first.filter(|_| more) }
        }
    }
}

const LOWEST: Cursor = Cursor { at: i64::MIN, sid: [0; 16] };
const HIGHEST: Cursor = Cursor { at: i64::MAX, sid: [0xFF; 16] };
