package gateway

import (
	"mime"
	"path"
	"strconv"
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/server/gateway/dav"
)

// facts are the attributes of a file that WebDAV and directory pages show. The zero value describes an empty file
// without a name, created in 1601.
type facts struct {
	name             string
	created, written int64 // FILETIMEs
	size             int64
	dir, readOnly    bool
	id               uint64 // 0: not queried
}

// ofEntry converts a directory entry to the facts of its file: name, times of creation and last write, size, and
// whether it is a directory. The id is 0, because listings do not contain it.
func ofEntry(e *nt.FileEntry) facts {
	return facts{name: e.FileName, created: e.CreationTime, written: e.LastWriteTime, size: e.EndOfFile,
		dir: e.FileAttributes&fileaccess.AttributeDirectory != 0}
}

// info converts the facts to the form of the WebDAV engine. A directory has no entity tag and no media type.
func (f facts) info() dav.Info {
	i := dav.Info{Name: f.name, Folder: f.dir, Size: f.size,
		Created: filetime.Time(f.created), Modified: filetime.Time(f.written)}
	if !f.dir {
		i.Tag, i.Type = f.etag(), contentType(f.name)
	}
	return i
}

// etag returns the HTTP entity tag that identifies this version of the file's contents: a strong tag with its quotes,
// made of the write time and the size.
func (f facts) etag() string {
	b := strconv.AppendInt(append(make([]byte, 0, 40), '"'), f.written, 16)
	return string(append(strconv.AppendInt(append(b, '-'), f.size, 16), '"'))
}

// contentType returns the media type for a file name's extension, or application/octet-stream if it is unknown. It
// ignores the contents, which users control.
func contentType(name string) string {
	if t := mime.TypeByExtension(strings.ToLower(path.Ext(name))); t != "" {
		return t
	}
	return "application/octet-stream"
}
