package hostfs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// counting counts the files that FindDirect finds, without a lookup of their directories.
type counting struct {
	*Tree
	found int
}

func (c *counting) FindDirect(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, bool) {
	p, ok := c.Tree.FindDirect(r, start)
	if ok {
		c.found++
	}
	return p, ok
}

// If the lookup of the directory is deferred until the file's own descriptor denies, the answer is the same. Checked
// with random descriptors and requests (F-181).
func TestDeferredLookupGivesSameDecision(t *testing.T) {
	w := newWorld(t)
	tree := &counting{Tree: w.tree}
	w.must(w.sys.AddTree("direct", tree))
	w.must(w.sys.AddTree("whole", struct{ nt.FileSystem }{w.tree}))
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 181))
	draw := func() string {
		text := "O:BAG:SYD:P"
		for range 1 + rng.IntN(3) {
			text += fmt.Sprintf("(%s;;0x%x;;;%s)", []string{"A", "A", "A", "D"}[rng.IntN(4)], rng.Uint32()&0x1f01ff,
				[]string{alice, bob, "WD", staff}[rng.IntN(4)])
		}
		return text
	}
	threads := []*nt.Thread{w.as(alice), w.as(bob, winnt.SeBackupPrivilege)}
	count := map[bool]int{}
	for i := range 60 {
		d := fmt.Sprint("d", i)
		w.dir(d, draw())
		w.file(d+`\f`, "x", draw())
		for range 40 {
			in := nt.CreateFileIn{DesiredAccess: winnt.AccessMask(1<<rng.IntN(9) | 1<<(16+rng.IntN(4))),
				CreateDisposition: winnt.FILE_OPEN, ShareAccess: []uint32{shareAll, shareAll, 0}[rng.IntN(3)]}
			in.CreateOptions = uint32([]fileaccess.CreateOptions{0, 0, fileaccess.OpenForBackupIntent,
				fileaccess.DirectoryFile}[rng.IntN(4)])
			if rng.IntN(3) == 0 {
				in.DesiredAccess = 1 << rng.IntN(9)
			}
			name := d + []string{`\f`, `\f`, `\f`, `\none`, `\f\none`, `\f\`}[rng.IntN(6)]
			th := threads[rng.IntN(2)]
			var got [2]string
			for j, at := range []string{"direct", "whole"} {
				in.ObjectAttributes = nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\` + at + `\` + name})
				h, action, st := th.NtCreateFile(in)
				got[j] = fmt.Sprint(st, action)
				if st == ntstatus.Success {
					info, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
					got[j] += fmt.Sprint(info.(nt.BasicInformation).GrantedAccess, st)
					w.want(th.NtClose(h), ntstatus.Success)
				}
				count[st == ntstatus.Success]++
			}
			if got[0] != got[1] {
				t.Fatalf("F-181: open %s for %#x, lookup deferred: %s, want %s, as without deferring", name,
					in.DesiredAccess, got[0], got[1])
			}
		}
	}
	check.That(t, count[true] >= 200 && count[false] >= 200 && tree.found >= 100,
		"F-181: opens by success %v, %d found without a lookup; want at least 200 of each and 100", count, tree.found)
}

// An open without a lookup of its directory shares modes, name and deletion with other opens. In a directory with a
// pending deletion every open fails (F-181, F-116, F-117).
func TestDeferredLookupSharesModes(t *testing.T) {
	w := newWorld(t)
	th := w.as(bob)
	const full = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	w.dir("d", full)
	w.file(`d\f`, "x", full)
	reader := w.open(th, `d\f`, winnt.FILE_READ_DATA, ntstatus.Success)
	w.create(th, `d\f`, call{desired: winnt.FILE_WRITE_DATA, disposition: fileaccess.FileOpen, exclusive: true},
		ntstatus.SharingViolation)
	mover := w.open(th, `d\f`, winnt.DELETE, ntstatus.Success)
	w.renames(th, mover, nt.FileRename{FileName: `\??\share\d\g`}, ntstatus.Success)
	again := w.open(th, `d\g`, winnt.FILE_READ_DATA, ntstatus.Success)
	for _, h := range []winnt.Handle{reader, mover, again} {
		of, _, done, st := w.sys.TreeFile(th, h)
		w.want(st, ntstatus.Success)
		if l := of.(*file).linkNow(); l.path != `d\g` || l.users != 3 || l.dir < 0 {
			t.Errorf(`F-181: link of the open %+v, want path d\g, 3 users and a directory`, l)
		}
		done()
	}
	w.deletes(th, mover, ntstatus.Success)
	w.open(th, `d\g`, winnt.FILE_READ_DATA, ntstatus.DeletePending)
	for _, h := range []winnt.Handle{mover, reader, again} {
		w.exists(`d\g`, true)
		w.want(th.NtClose(h), ntstatus.Success)
	}
	w.exists(`d\g`, false)
	gone := w.open(th, "d", winnt.DELETE, ntstatus.Success)
	w.deletes(th, gone, ntstatus.Success)
	w.file(`d\late`, "x", full) // created by another program
	w.open(th, `d\late`, winnt.FILE_READ_DATA, ntstatus.DeletePending)
	w.must(os.Remove(w.path(`d\late`)))
	w.want(th.NtClose(gone), ntstatus.Success)
	w.exists("d", false)
	w.dir("d", full)
	w.file(`d\f`, "x", full)
	w.want(th.NtClose(w.open(th, `d\f`, winnt.FILE_READ_DATA, ntstatus.Success)), ntstatus.Success)
	w.tree.mu.Lock()
	defer w.tree.mu.Unlock()
	check.That(t, w.tree.dooms == 0, "F-181: %d names are pending deletion, want 0", w.tree.dooms)
}

// A request is answered without a lookup of the directory if it opens an existing file, shares reading, requests
// rights that a directory cannot grant, comes from a user with the traverse privilege, and no deletion is pending
// (F-181).
func TestDirectNeedsPlainOpen(t *testing.T) {
	w := newMoveTree(t)
	passes := traverser(t, true)
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
		"report rights": {func(r *fileaccess.Request) { r.Maximal = true }, false},
		"no sharing":    {func(r *fileaccess.Request) { r.Share = 0 }, false},
		"no reading":    {func(r *fileaccess.Request) { r.Share = fileaccess.ShareWrite | fileaccess.ShareDelete }, false},
		"supersede":     {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileSupersede }, false},
		"create":        {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileCreate }, false},
		"open if":       {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileOpenIf }, false},
		"overwrite":     {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileOverwrite }, false},
		"overwrite if":  {func(r *fileaccess.Request) { r.Disposition = fileaccess.FileOverwriteIf }, false},
		"end backslash": {func(r *fileaccess.Request) { r.Name = `d\` }, false},
		"traversing":    {func(r *fileaccess.Request) { r.Subject = access.Subject{} }, false},
		"directory":     {func(r *fileaccess.Request) { r.Options = fileaccess.DirectoryFile }, true},
		"no directory":  {func(r *fileaccess.Request) { r.Options = fileaccess.NonDirectoryFile }, true},
		"synchronous": {func(r *fileaccess.Request) {
			r.Options = fileaccess.SynchronousIOAlert | fileaccess.SynchronousIONonalert | fileaccess.OpenReparsePoint
		}, true},
		"delete on close": {func(r *fileaccess.Request) { r.Options = fileaccess.DeleteOnClose }, false},
		"backup intent":   {func(r *fileaccess.Request) { r.Options = fileaccess.OpenForBackupIntent }, false},
	} {
		r := base
		c.change(&r)
		check.Equal(t, w.tree.direct(&r), c.want, "F-181: direct(%s)", what)
	}
	d := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	for _, c := range []struct {
		name string
		from nt.OpenFile
		want string
	}{
		{"f", nil, "file " + wide + " as f"}, {`d\e\f`, nil, "file " + aliceOnly + ` as d\e\f`},
		{"f", d, "file " + narrow + ` as d\f`}, {`e\f`, d, "file " + aliceOnly + ` as d\e\f`},
		{"dx", nil, " hidden " + wide + " as dx"},
		{"none", nil, " as none"},
		{`d\none`, nil, `d as d\none`}, {"none", d, ` as d\none`},
		{`e\none`, d, `e as d\e\none`},
		{`none\f`, nil, ""}, {`f\none`, nil, ""},
		{"", nil, ""}, {"", d, ""}, {"a:b", nil, ""}, {privatePrefix + "x", nil, ""}, {`..\x`, nil, ""},
		{"\xff", nil, ""}, {"x*", nil, ""}, {"f", w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA), ""},
	} {
		r := base
		r.Name = c.name
		p, ok := w.tree.FindDirect(&r, c.from)
		got := ""
		if ok {
			if got = formatPlace(p.(*place)); p.(*place).links {
				t.Errorf("F-191: FindDirect(%s): the place supports links, want not", c.name)
			}
			p.Release()
		}
		check.That(t, got == c.want && ok == (c.want != ""),
			"F-181: FindDirect(%s): %q, %t, want %q", c.name, got, ok, c.want)
		found, st := w.tree.Find(&r, c.from)
		if st == ntstatus.Success {
			// Find, which looks up the directory, finds the same and the directory's descriptor.
			if ok && found.Facts().Object.Exists != strings.Contains(got, "O:") {
				t.Errorf("F-181: FindDirect(%s): %q, but Find: %q", c.name, got, formatPlace(found.(*place)))
			}
			found.Release()
		}
	}
	doomed := w.opened(`d\e\f`, fileaccess.Request{}, winnt.DELETE)
	for _, goes := range []bool{true, false} {
		w.want(doomed.SetDelete(goes), ntstatus.Success)
		if got := w.tree.direct(&base); got == goes {
			t.Errorf("F-181: direct with a pending deletion %t = %t, want %t", goes, got, !goes)
		}
	}
}
