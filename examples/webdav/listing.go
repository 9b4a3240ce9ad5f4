package secured

import (
	"context"
	"io/fs"
	"path"

	"golang.org/x/net/webdav"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// listing is an open file whose lists of names leave out what its user may not
// read, as a share with access-based enumeration does.
type listing struct {
	webdav.File
	fs   *FS
	ctx  context.Context // the handle belongs to one request
	name string
}

// Readdir implements http.File.
func (l *listing) Readdir(count int) ([]fs.FileInfo, error) {
	t, _ := l.ctx.Value(tokenKey{}).(*token.Token)
	if t == nil {
		return nil, errNoUser
	}
	s := access.SubjectOf(t)
	for {
		all, err := l.File.Readdir(count)
		shown := all[:0:0]
		l.fs.mu.Lock()
		for _, info := range all {
			if d := l.fs.descriptors[path.Join(l.name, info.Name())]; d != nil &&
				fileaccess.Visible(&s, d, winnt.FILE_ALL_ACCESS, nil) {
				shown = append(shown, info)
			}
		}
		l.fs.mu.Unlock()
		if err != nil || len(shown) > 0 || count <= 0 || len(all) == 0 {
			return shown, wrap(l.name, err)
		}
	}
}
