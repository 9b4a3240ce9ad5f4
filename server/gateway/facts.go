package gateway

import (
	"context"
	"io/fs"
	"mime"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
)

// epoch is 1970 in units of 100 ns since 1601.
const epoch = 116444736000000000

// facts tell of a file.
type facts struct {
	name             string
	created, written int64 // units of 100 ns since 1601
	size             int64
	dir              bool
	id               uint64 // 0: it was not asked for
}

// ofEntry returns the facts that a listing tells.
func ofEntry(e *nt.FileEntry) facts {
	return facts{name: e.FileName, created: e.CreationTime, written: e.LastWriteTime, size: e.EndOfFile,
		dir: e.FileAttributes&fileaccess.AttributeDirectory != 0}
}

// when returns a time of refmond's, 0 and what is long ago or far away as well: 292 years are not all.
func when(t int64) time.Time { return time.Unix((t-epoch)/1e7, (t-epoch)%1e7*100).UTC() }

// The methods of fs.FileInfo.
func (f facts) Name() string       { return f.name }
func (f facts) Size() int64        { return f.size }
func (f facts) ModTime() time.Time { return when(f.written) }
func (f facts) IsDir() bool        { return f.dir }
func (f facts) Sys() any           { return nil }

// Mode tells a directory from a file and no more: permissions are not what decides.
func (f facts) Mode() fs.FileMode {
	if f.dir {
		return fs.ModeDir
	}
	return 0
}

// etag changes with what is in the file.
func (f facts) etag() string {
	b := strconv.AppendInt(append(make([]byte, 0, 40), '"'), f.written, 16)
	return string(append(strconv.AppendInt(append(b, '-'), f.size, 16), '"'))
}

// ETag implements webdav.ETager.
func (f facts) ETag(context.Context) (string, error) { return f.etag(), nil }

// ContentType implements webdav.ContentTyper.
func (f facts) ContentType(context.Context) (string, error) { return contentType(f.name), nil }

// contentType goes by the name alone: what is in a file is its author's word.
func contentType(name string) string {
	if t := mime.TypeByExtension(strings.ToLower(path.Ext(name))); t != "" {
		return t
	}
	return "application/octet-stream"
}
