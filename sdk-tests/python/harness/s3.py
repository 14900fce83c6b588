"""A small service that speaks as much of S3 as a server of ours needs, and no more.

Objects are put, read (whole, or a range), looked at and deleted; large ones come in parts. Every request must bear
a signature of version 4 that is right for this key, bucket and path; anything else is refused.
"""

import hashlib
import hmac
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit

KEY_ID = "a-key-of-the-bucket"
SECRET = "the-secret-of-the-bucket"
BUCKET = "files"
REGION = "eu-test-1"


class Bucket:
    def __init__(self):
        self.objects, self.uploads, self.seen, self.refused = {}, {}, set(), []


def signature(request):
    """What the signature of this request must be."""
    parts = dict(re.findall(r"(\w+)=([^,\s]+)", request.headers["Authorization"]))
    date = request.headers["x-amz-date"]
    scope = f"{date[:8]}/{REGION}/s3/aws4_request"
    assert parts["Credential"] == f"{KEY_ID}/{scope}", parts
    url = urlsplit(request.path)
    query = sorted(parse_qsl(url.query, keep_blank_values=True))
    names = parts["SignedHeaders"].split(";")
    canonical = "\n".join([
        request.command, url.path,
        "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query),
        *(f"{name}:{request.headers[name].strip()}" for name in names), "",
        ";".join(names), request.headers["x-amz-content-sha256"],
    ])
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex(), parts["Signature"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        bucket = self.server.bucket
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        expected, given = signature(self)
        claimed = self.headers["x-amz-content-sha256"]
        is_body = claimed in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest())
        url = urlsplit(self.path)
        path = unquote(url.path)
        if expected != given or not is_body or not path.startswith(f"/{BUCKET}"):
            bucket.refused.append((self.command, self.path))
            return self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        name = path.removeprefix(f"/{BUCKET}/")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        bucket.seen.add((self.command, *sorted(query)))
        return getattr(self, f"on_{self.command.lower()}")(bucket, name, query, body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def on_put(self, bucket, name, query, body):
        if "uploadId" in query:
            bucket.uploads[query["uploadId"]][int(query["partNumber"])] = body
        else:
            bucket.objects[name] = body
        self.answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def on_post(self, bucket, name, query, body):
        if "uploads" in query:
            sid = f"upload-{len(bucket.uploads)}"
            bucket.uploads[sid] = {}
            return self.answer(200, (
                f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{name}</Key>"
                f"<UploadId>{sid}</UploadId></InitiateMultipartUploadResult>"
            ).encode())
        if "delete" in query:
            names = re.findall(r"<Key>([^<]+)</Key>", body.decode())
            for one in names:
                bucket.objects.pop(one, None)
            gone = "".join(f"<Deleted><Key>{one}</Key></Deleted>" for one in names)
            return self.answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())
        parts = bucket.uploads.pop(query["uploadId"])
        assert all(len(part) >= 5 << 20 for part in list(parts.values())[:-1]), "a part is too small"
        bucket.objects[name] = b"".join(parts[number] for number in sorted(parts))
        return self.answer(200, (
            f"<CompleteMultipartUploadResult><Key>{name}</Key><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"
        ).encode())

    def on_delete(self, bucket, name, query, _):
        bucket.uploads.pop(query.get("uploadId"), None)
        bucket.objects.pop(name, None)
        self.answer(204)

    def on_head(self, bucket, name, query, _):
        self.on_get(bucket, name, query, b"", is_head=True)

    def on_get(self, bucket, name, _, __, is_head=False):
        if name not in bucket.objects:
            return self.answer(404, b"" if is_head else b"<Error><Code>NoSuchKey</Code></Error>")
        whole = bucket.objects[name]
        known = {"ETag": '"e"', "Last_Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if asked:
            first, last = int(asked[1]), min(int(asked[2]), len(whole) - 1)
            return self.answer(
                206, whole[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(whole)}", **known
            )
        return self.answer(200, b"" if is_head else whole, Content_Length=str(len(whole)), **known)


@contextmanager
def running():
    """The service on a port of its own, as (its bucket, what a server of ours is told of it)."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.daemon_threads = True
    service.bucket = Bucket()
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    try:
        yield service.bucket, {
            "TERTULIA_S3_BUCKET": BUCKET,
            "TERTULIA_S3_ENDPOINT": f"http://127.0.0.1:{service.server_port}",
            "TERTULIA_S3_REGION": REGION,
            "TERTULIA_S3_KEY_ID": KEY_ID,
            "TERTULIA_S3_SECRET": SECRET,
        }
    finally:
        service.shutdown()
        service.server_close()
        thread.join()
