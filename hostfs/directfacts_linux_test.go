package hostfs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestDirect: which requests are answered without a look at the directory: to open what is there, shared for reading,
// with rights that no directory gives, by who passes directories, while nothing is to go (F-181).
func TestDirect(t *testing.T) {
	w := movable(t)
	passes := passer(t, true)
	base := fileaccess.Request{Name: `d\f`, Subject: passes, Disposition: fileaccess.FileOpen, Share: 1,
		Desired: winnt.FILE_READ_DATA}
	for what, c := range map[string]struct {
		change func(*fileaccess.Request)
		want   bool
	}{
		"plain":         {func(*fileaccess.Request) {}, true},
		"generic read":  {func(r *fileaccess.Request) { r.Desired = winnt.GENERIC_READ }, true},
		"execute":       {func(r *fileaccess.Request) { r.Desired = winnt.GENERIC_EXECUTE }, true},
		"generic write": {func(r *fileaccess.Request) { r.Desired = winnt.GENERIC_WRITE }, false}, // it sets attributes
		"generic all":   {func(r *fileaccess.Request) { r.Desired = winnt.GENERIC_ALL }, false},
		"attributes":    {func(r *fileaccess.Request) { r.Desired = winnt.FILE_WRITE_ATTRIBUTES }, false},
		"delete":        {func(r *fileaccess.Request) { r.Desired = winnt.DELETE }, false},
		"maximum":       {func(r *fileaccess.Request) { r.Desired = winnt.MAXIMUM_ALLOWED }, false},
		"write":         {func(r *fileaccess.Request) { r.Desired = winnt.FILE_WRITE_DATA }, true},
		"told":          {func(r *fileaccess.Request) { r.Maximal = true }, false},
		"alone":         {func(r *fileaccess.Request) { r.Share = 0 }, false},
		"not to read":   {func(r *fileaccess.Request) { r.Share = fileaccess.ShareWrite | fileaccess.ShareDelete }, false},
		"supersede":     {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileSupersede }, false},
		"create":        {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileCreate }, false},
		"or create":     {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileOpenIf }, false},
		"overwrite":     {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileOverwrite }, false},
		"or overwrite":  {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileOverwriteIf }, false},
		"a backslash":   {func(r *fileaccess.Request) { r.Name = `d\` }, false},
		"who walks":     {func(r *fileaccess.Request) { r.Subject = access.Subject{} }, false},
		"directory":     {func(r *fileaccess.Request) { r.Options = fileaccess.DirectoryFile }, true},
		"no directory":  {func(r *fileaccess.Request) { r.Options = fileaccess.NonDirectoryFile }, true},
		"synchronous": {func(r *fileaccess.Request) {
			r.Options = fileaccess.SynchronousIOAlert | fileaccess.SynchronousIONonalert | fileaccess.OpenReparsePoint
		}, true},
		"on close": {func(r *fileaccess.Request) { r.Options = fileaccess.DeleteOnClose }, false},
		"backup":   {func(r *fileaccess.Request) { r.Options = fileaccess.OpenForBackupIntent }, false},
	} {
		r := base
		c.change(&r)
		if got := w.tree.direct(&r); got != c.want {
			t.Errorf("F-181: %s: %t, want %t", what, got, c.want)
		}
	}
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	for _, c := range []struct {
		name string
		from nt.OpenFile
		want string
	}{
		{"f", nil, "file " + wide + " as f"}, {`d\e\f`, nil, "file " + hers + ` as d\e\f`},
		{"f", d, "file " + narrow + ` as d\f`}, {`e\f`, d, "file " + hers + ` as d\e\f`},
		{"dx", nil, " hidden " + wide + " as dx"},
		{"none", nil, ""}, {"", nil, ""}, {"", d, ""}, {"a:b", nil, ""}, {privatePrefix + "x", nil, ""}, {`..\x`, nil, ""},
		{"\xff", nil, ""}, {"x*", nil, ""}, {"f", w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA), ""},
	} {
		r := base
		r.Name = c.name
		p, ok := w.tree.FindDirect(&r, c.from)
		got := ""
		if ok {
			if got = toldOfName(p.(*place)); p.(*place).links {
				t.Errorf("F-191: %s: links are known", c.name)
			}
			p.Release()
		}
		if got != c.want || ok != (c.want != "") {
			t.Errorf("F-181: %s: %q, %t, want %q", c.name, got, ok, c.want)
		}
	}
	doomed := w.opened(`d\e\f`, fileaccess.Request{}, winnt.DELETE)
	for _, goes := range []bool{true, false} {
		w.want(doomed.SetDelete(goes), ntstatus.Success)
		if got := w.tree.direct(&base); got == goes {
			t.Errorf("F-181: while a name is to go %t: %t", goes, got)
		}
	}
}

// TestLinkOfItsOwn: a link is told of as one to who knows links, where its own descriptor counts; what its
// permissions would amount to does not count (F-191).
func TestLinkOfItsOwn(t *testing.T) {
	linksHere(t)
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.link("l", "f", hers)
	w.must(os.Symlink("f", w.path("planted")))
	w.must(os.Symlink("f", w.path("spoiled")))
	w.must(unix.Lsetxattr(w.path("spoiled"), w.tree.cfg.Attribute, []byte("nonsense"), 0))
	for _, c := range []struct {
		name  string
		knows bool
		want  string
	}{{"l", true, "file link " + hers + " as l"}, {"l", false, ""}, {"planted", true, ""}, {"planted", false, ""},
		{"spoiled", true, ""}} {
		r := fileaccess.Request{Name: c.name, Subject: w.subject(bob)}
		if c.knows {
			r.Options = fileaccess.OpenReparsePoint
		}
		p, st := w.tree.Find(&r, nil)
		got := ""
		if st == ntstatus.Success {
			got = strings.TrimPrefix(toldOfName(p.(*place)), fmt.Sprintf("in  %s; ", formatted(p.Facts().Parent.Descriptor)))
			p.Release()
		} else {
			w.want(st, ntstatus.AccessDenied)
		}
		if got != c.want {
			t.Errorf("F-191: %s, known %t: %q, want %q", c.name, c.knows, got, c.want)
		}
	}
}
