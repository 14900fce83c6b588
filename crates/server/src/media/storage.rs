//! Where files are kept: below a folder, or in a bucket of an S3-compatible service.
//!
//! A file is written in parts, one at a time, so that an upload takes little memory whatever its size. It is
//! there under its name only when it is whole and on disk (files are written beside it, synced and renamed;
//! what was begun and never finished lies beside it until it is removed with it). It is never written again.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use conversations::Failure;
use conversations::media::removals::File;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, GetRange, GetResult, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload,
    RetryConfig,
};
use wire::Problem;

/// What is written at once to a disk.
const PART_OF_FILE: usize = 1024 * 1024;
/// S3 takes no smaller parts, but for the last.
const PART_OF_OBJECT: usize = 5 * 1024 * 1024;
/// For one request to S3, and for all its tries.
const S3_TIME: Duration = Duration::from_mins(1);
const S3_TRIES: usize = 3;

/// Where uploaded files are kept.
#[derive(Clone)]
pub struct MediaStore {
    store: Arc<dyn ObjectStore>,
    /// Where the files are, if they are files.
    folder: Option<PathBuf>,
    part: usize,
}

/// A bucket, and how it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct S3 {
    /// `https://s3.example.org`; none for Amazon's own.
    pub endpoint: Option<String>,
    pub bucket: String,
    pub region: String,
    pub key_id: String,
    pub secret: String,
    /// Whether the bucket stands in the path, and not in the host.
    pub path_style: bool,
}

/// The storage could not do its work.
#[derive(Debug)]
pub struct Failed(object_store::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

impl Error for Failed {}

impl From<object_store::Error> for Failed {
    fn from(error: object_store::Error) -> Self {
        Self(error)
    }
}

impl Failed {
    /// Tells the log, and makes of it what a caller may know.
    pub fn reported(&self) -> Failure {
        tracing::error!("failed to reach the stored files: {self}");
        Problem::INTERNAL.into()
    }
}

impl MediaStore {
    /// In files below a folder, which is there.
    pub fn in_folder(folder: PathBuf) -> Result<Self, Failed> {
        let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: Some(folder), part: PART_OF_FILE })
    }

    /// In a bucket.
    pub fn in_bucket(s3: &S3) -> Result<Self, Failed> {
        let S3 { endpoint, bucket, region, key_id, secret, path_style } = s3;
        let retry = RetryConfig { max_retries: S3_TRIES, retry_timeout: S3_TIME, ..RetryConfig::default() };
        let is_plain = endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(region)
            .with_access_key_id(key_id)
            .with_secret_access_key(secret)
            .with_virtual_hosted_style_request(!path_style)
            .with_client_options(ClientOptions::new().with_timeout(S3_TIME).with_allow_http(is_plain))
            .with_retry(retry);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        Ok(Self { store: Arc::new(builder.build()?), folder: None, part: PART_OF_OBJECT })
    }

    /// In memory, for tests.
    pub fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()), folder: None, part: PART_OF_FILE }
    }

    /// Whether something can be written, read and removed.
    pub async fn check(&self) -> Result<(), Failed> {
        let path = Path::from("tertulia-was-here");
        self.store.put(&path, PutPayload::from_static(b"tertulia")).await?;
        self.store.head(&path).await?;
        Ok(self.store.delete(&path).await?)
    }

    /// Begins to write a file.
    pub fn write(&self, file: File) -> Writing {
        Writing {
            store: Arc::clone(&self.store),
            path: path(file),
            part: self.part,
            begun: None,
            rest: BytesMut::new(),
            size: 0,
        }
    }

    /// A file, or a range of it; none where it is not there.
    pub async fn read(&self, file: File, range: Option<GetRange>) -> Result<Option<GetResult>, Failed> {
        match self.store.get_opts(&path(file), GetOptions { range, ..GetOptions::default() }).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file, and what was begun of it. There may be neither.
    pub async fn remove(&self, file: File) -> Result<(), Failed> {
        let path = path(file);
        if let Some(folder) = &self.folder {
            // The name that the crate gives to what is being written; a sid is uploaded once.
            let unfinished = folder.join(format!("{path}#1"));
            match tokio::fs::remove_file(&unfinished).await {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    let error = object_store::Error::Generic { store: "media", source: error.into() };
                    return Err(error.into());
                }
                _ => {}
            }
        }
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// By service, and spread over folders by the end of the sid, which is the part that is random.
fn path(file: File) -> Path {
    let sid = file.sid.to_string();
    let spread = &sid[sid.len() - 2..];
    Path::from(format!("{}/{spread}/{sid}", file.chat_service_sid))
}

/// A file that is being written.
pub struct Writing {
    store: Arc<dyn ObjectStore>,
    path: Path,
    part: usize,
    begun: Option<Box<dyn MultipartUpload>>,
    rest: BytesMut,
    size: u64,
}

impl Writing {
    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds to it. Comes back when no more than a part is waiting in memory.
    pub async fn push(&mut self, chunk: &Bytes) -> Result<(), Failed> {
        self.size += chunk.len() as u64;
        self.rest.extend_from_slice(chunk);
        while self.rest.len() >= self.part {
            let part = self.rest.split_to(self.part).freeze();
            self.put(part).await?;
        }
        Ok(())
    }

    async fn put(&mut self, part: Bytes) -> Result<(), Failed> {
        let begun = match &mut self.begun {
            Some(begun) => begun,
            none => none.insert(self.store.put_multipart(&self.path).await?),
        };
        Ok(begun.put_part(part.into()).await?)
    }

    /// Ends it: from here on it is there, whole and on disk. Tells its size.
    pub async fn finish(mut self) -> Result<u64, Failed> {
        let rest = self.rest.split().freeze();
        if self.begun.is_none() {
            self.store.put(&self.path, rest.into()).await?;
            return Ok(self.size);
        }
        if !rest.is_empty() {
            self.put(rest).await?;
        }
        if let Some(begun) = &mut self.begun {
            begun.complete().await?;
        }
        Ok(self.size)
    }

    /// Gives it up.
    pub async fn abort(mut self) {
        if let Some(begun) = &mut self.begun
            && let Err(error) = begun.abort().await
        {
            tracing::warn!("failed to give up an upload: {}", Failed(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::Sid;

    use super::*;

    fn file() -> File {
        File { chat_service_sid: Sid::from_bytes([1; 16]), sid: Sid::from_bytes([2; 16]) }
    }

    async fn written(store: &MediaStore, chunks: &[Bytes]) -> Vec<u8> {
        let mut writing = store.write(file());
        for chunk in chunks {
            writing.push(chunk).await.expect("it can be written");
            assert!(writing.rest.len() < writing.part);
        }
        let size = writing.finish().await.expect("it can be finished");
        let found = store.read(file(), None).await.expect("it can be read").expect("it is there");
        assert_eq!(found.meta.size, size);
        found.bytes().await.expect("its bytes").to_vec()
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tertulia-media-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        folder
    }

    fn files(folder: &PathBuf) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            if entry.path().is_dir() {
                found.extend(files(&entry.path()));
            } else {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        found
    }

    #[tokio::test]
    async fn files_of_all_sizes_come_back_from_wherever_they_are() {
        let folder = folder("sizes");
        for store in [MediaStore::in_memory(), MediaStore::in_folder(folder.clone()).expect("a folder")] {
            store.check().await.expect("it can be written");
            for sizes in [&[][..], &[1], &[PART_OF_FILE], &[PART_OF_FILE - 1, 2, PART_OF_FILE * 2], &[7; 100]]
            {
                let chunks: Vec<Bytes> =
                    sizes.iter().zip(b'a'..).map(|(size, letter)| vec![letter; *size].into()).collect();
                assert_eq!(written(&store, &chunks).await, chunks.concat());
                store.remove(file()).await.expect("it can be removed");
                store.remove(file()).await.expect("twice");
                assert!(store.read(file(), None).await.expect("no error").is_none());
            }
        }
        assert_eq!(files(&folder), Vec::<String>::new());
        std::fs::remove_dir_all(&folder).expect("it is there");
    }

    #[tokio::test]
    async fn what_was_begun_is_removed_with_what_it_would_have_been() {
        let folder = folder("begun");
        let store = MediaStore::in_folder(folder.clone()).expect("a folder");
        let mut writing = store.write(file());
        writing.push(&vec![0; PART_OF_FILE + 1].into()).await.expect("it can be written");
        assert_eq!(files(&folder), [format!("{}#1", file().sid)]);
        // As a process that is killed leaves it.
        std::mem::forget(writing);
        assert!(store.read(file(), None).await.expect("no error").is_none());
        store.remove(file()).await.expect("it can be removed");
        assert_eq!(files(&folder), Vec::<String>::new());
        std::fs::remove_dir_all(&folder).expect("it is there");
    }
}
