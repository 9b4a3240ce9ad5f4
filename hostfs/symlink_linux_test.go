package hostfs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// link creates a link with a descriptor directly, not through the server.
func (w *world) link(name, to, text string) {
	w.Helper()
	w.must(os.Symlink(to, w.path(name)))
	w.must(unix.Lsetxattr(w.path(name), attributeHere(w), w.accepted(text), 0))
}

// linksHere skips the test if links cannot have descriptors.
func linksHere(t *testing.T) {
	t.Helper()
	if attributeHere(t) != ntacl.Name {
		t.Skip("a link has no attributes of users, and others take CAP_SYS_ADMIN")
	}
}

// A caller that supports links opens a link itself, as its descriptor grants. It has no contents, its target can be
// read, and no descriptor of it is passed (F-191, F-193, F-152).
func TestLinkAwareCallerOpensLink(t *testing.T) {
	linksHere(t)
	w := newWorld(t, func(c *Config) { c.HandOut = HandOutReads })
	const readers = "O:BAG:SYD:P(A;OICI;FA;;;" + alice + ")(A;OICI;0x1200a9;;;" + bob + ")"
	w.dir("d", readers)
	w.file(`d\f`, "contents", readers)
	target := strings.Repeat("f", unix.PathMax-1)
	w.link(`d\l`, target, readers)
	w.link(`d\s`, "/", readers)
	w.must(os.Symlink("f", w.path(`d\planted`)))
	bobThread, aliceThread := w.as(bob), w.as(alice)
	known := call{desired: winnt.FILE_READ_DATA | winnt.FILE_READ_ATTRIBUTES, disposition: fileaccess.FileOpen,
		options: fileaccess.OpenReparsePoint}
	for name, want := range map[string]ntstatus.Status{`d\l`: ntstatus.Success, `d\f`: ntstatus.Success,
		`d\planted`: ntstatus.AccessDenied, `d\s\etc`: ntstatus.AccessDenied, `d\l\f`: ntstatus.AccessDenied} {
		w.create(bobThread, name, known, want)
		if name != `d\f` {
			w.open(bobThread, name, winnt.FILE_READ_DATA, ntstatus.AccessDenied)
		}
	}
	h := w.create(bobThread, `d\l`, known, ntstatus.Success)
	w.want(check.Status(bobThread.NtReadFileAt(h, 10, 0)), ntstatus.AccessDenied)
	f, _, done, st := w.sys.TreeFile(bobThread, h)
	w.want(st, ntstatus.Success)
	defer done()
	link := f.(*file)
	text, st := link.Target()
	check.That(t, text == target && st == ntstatus.Success, "F-193: Target: %d bytes, %v", len(text), st)
	w.want(check.Status(link.Backing(false)), ntstatus.InvalidParameter)
	w.want(check.Status(link.Locking()), ntstatus.InvalidParameter)
	_, _, st = link.HandOut(winnt.FILE_READ_DATA|seen, 61001)
	w.want(st, ntstatus.AccessDenied)
	for options, disposition := range map[fileaccess.CreateOptions]fileaccess.Disposition{
		fileaccess.OpenReparsePoint:                            fileaccess.FileOverwrite,
		fileaccess.OpenReparsePoint | fileaccess.DirectoryFile: fileaccess.FileOpen} {
		in := known
		in.disposition, in.options, in.desired = disposition, options, winnt.FILE_WRITE_DATA
		want := ntstatus.AccessDenied
		if disposition == fileaccess.FileOpen {
			want = ntstatus.NotADirectory
		}
		w.create(aliceThread, `d\l`, in, want)
	}
	to, err := os.Readlink(w.path(`d\l`))
	check.That(t, to == target && err == nil, "target of the link: %q, %v, want it unchanged", to, err)
}

// A link is created where a file could be created, in one step and with the descriptor that a file would get. It is
// replaced and removed like a file (F-192).
func TestLinkIsCreatedWithRightsOfFile(t *testing.T) {
	linksHere(t)
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;"+alice+")(A;;0x1200a9;;;"+bob+")")
	w.file(`d\f`, "contents", "O:BAG:SYD:P(A;;FA;;;"+alice+")")
	aliceThread, bobThread := w.as(alice), w.as(bob)
	makes := func(th *nt.Thread, name, to string, want ntstatus.Status) {
		t.Helper()
		h, st := w.sys.MakeLink(th, nt.ObjectAttributes{ObjectName: `\??\share\` + name}, to, nil)
		w.want(st, want)
		if st == ntstatus.Success {
			w.want(th.NtClose(h), ntstatus.Success)
		}
	}
	makes(bobThread, `d\l`, "f", ntstatus.AccessDenied)
	makes(aliceThread, `d\l`, "f", ntstatus.Success)
	makes(aliceThread, `d\l`, "g", ntstatus.ObjectNameCollision)
	makes(aliceThread, `d\f`, "g", ntstatus.ObjectNameCollision)
	makes(aliceThread, `none\l`, "g", ntstatus.ObjectPathNotFound)
	makes(aliceThread, `d\l\m`, "g", ntstatus.AccessDenied)
	makes(aliceThread, `d\nul`, "a\x00b", ntstatus.InvalidParameter)
	makes(aliceThread, `d\empty`, "", ntstatus.NotSupported)
	makes(aliceThread, `d\long`, strings.Repeat("x", unix.PathMax), ntstatus.ObjectNameInvalid)
	if left, err := os.ReadDir(w.path("d")); err != nil || len(left) != 2 {
		t.Errorf("F-192: entries of the directory: %v, %v, want 2", left, err)
	}
	// Replacing the link requires the right to delete it, a free name does not.
	w.file(`d\his`, "", "O:BAG:SYD:P(A;;FA;;;"+bob+")")
	known := call{desired: winnt.DELETE, disposition: fileaccess.FileOpen, options: fileaccess.OpenReparsePoint}
	h := w.create(bobThread, `d\his`, known, ntstatus.Success)
	st := bobThread.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "l", ReplaceIfExists: true})
	w.want(st, ntstatus.AccessDenied)
	w.create(bobThread, `d\l`, known, ntstatus.AccessDenied)
	h = w.create(aliceThread, `d\l`, known, ntstatus.Success)
	w.renames(aliceThread, h, nt.FileRename{FileName: "m"}, ntstatus.Success)
	if to, err := os.Readlink(w.path(`d\m`)); to != "f" || err != nil {
		t.Errorf(`F-192: target of the renamed link: %q, %v, want "f"`, to, err)
	}
	w.deletes(aliceThread, h, ntstatus.Success)
	w.want(aliceThread.NtClose(h), ntstatus.Success)
	if _, err := os.Lstat(w.path(`d\m`)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("F-192: Lstat of the removed link: %v, want %v", err, os.ErrNotExist)
	}
}

// A new link that cannot be opened, because the process has no file descriptor left, is removed (F-114, F-192).
func TestUnopenedLinkIsRemoved(t *testing.T) {
	linksHere(t)
	w := newWorld(t)
	r := &fileaccess.Request{Name: "l", Subject: w.subject(bob), Disposition: fileaccess.FileCreate}
	p := check.Result(w.tree.Find(r, nil)).(*place)
	defer p.Release()
	w.want(p.MakesLink("target"), ntstatus.Success)
	var limit unix.Rlimit
	w.must(unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	next := check.Must(w.tree.duplicate(w.tree.root))
	shut(next)
	w.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: limit.Max}))
	_, _, st := p.Open(r, &fileaccess.Decision{Verdict: ntstatus.Decided(ntstatus.Success), Action: fileaccess.Created})
	w.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	w.want(st, ntstatus.TooManyOpenedFiles)
	w.nothingPrivate("")
}

// A caller that supports links finds a link only with the link's own descriptor. A descriptor from permissions does
// not count (F-191).
func TestLinkUsesOwnDescriptor(t *testing.T) {
	linksHere(t)
	w := newWorld(t, func(c *Config) { c.Missing = SynthesiseMissing })
	w.link("l", "f", aliceOnly)
	w.must(os.Symlink("f", w.path("planted")))
	w.must(os.Symlink("f", w.path("spoiled")))
	w.must(unix.Lsetxattr(w.path("spoiled"), w.tree.cfg.Attribute, []byte("nonsense"), 0))
	for _, c := range []struct {
		name  string
		knows bool
		want  string
	}{{"l", true, "file link " + aliceOnly + " as l"}, {"l", false, ""}, {"planted", true, ""}, {"planted", false, ""},
		{"spoiled", true, ""}} {
		r := fileaccess.Request{Name: c.name, Subject: w.subject(bob)}
		if c.knows {
			r.Options = fileaccess.OpenReparsePoint
		}
		p, st := w.tree.Find(&r, nil)
		got := ""
		if st == ntstatus.Success {
			got = strings.TrimPrefix(formatPlace(p.(*place)), fmt.Sprintf("in  %s; ", formatted(p.Facts().Parent.Descriptor)))
			p.Release()
		} else {
			w.want(st, ntstatus.AccessDenied)
		}
		check.Equal(t, got, c.want, "F-191: %s, links supported %t", c.name, c.knows)
	}
	w.link("old", "f", "O:BAG:SYD:P(A;;FA;;;WD)(A;;FR;;;S-1-5-5-0-1001)")
	counts, _ := w.repair(RepairConfig{Path: w.root})
	check.Equal(t, counts.Sessions, int64(1), "F-202: repaired links")
}

// A listing by a handle that supports links contains the tree's links with the length of their targets, and no other
// links. Other handles list none (F-191). Leftover private links are removed by the same rule (F-129).
func TestListingShowsLinksOnRequest(t *testing.T) {
	linksHere(t)
	var host inject.Injector
	w := newWorld(t, func(c *Config) { c.Missing, c.Faults = SynthesiseMissing, host.Do })
	w.dir("d", wide)
	w.link(`d\ours`, "somewhere", aliceOnly)
	w.link(`d\`+privatePrefix+"ours", "somewhere", aliceOnly)
	w.must(os.Symlink("f", w.path(`d\planted`)))
	w.must(os.Symlink("f", w.path(`d\`+privatePrefix+"planted")))
	w.must(os.Symlink("f", w.path(`d\spoiled`)))
	w.must(unix.Lsetxattr(w.path(`d\spoiled`), w.tree.cfg.Attribute, []byte("nonsense"), 0))
	for _, knows := range []bool{false, true} {
		r := fileaccess.Request{}
		if knows {
			r.Options = fileaccess.OpenReparsePoint
		}
		f := w.opened("d", r, winnt.FILE_READ_DATA)
		list, st := f.List("????*", true, 9, nil)
		if !knows {
			if w.want(st, ntstatus.NoSuchFile); len(list) != 0 {
				t.Errorf("F-191: listing without support for links: %d entries %v, want none", len(list), list)
			}
			continue
		}
		if w.want(st, ntstatus.Success); len(list) != 1 || list[0].FileName != "ours" || list[0].EndOfFile != 9 ||
			list[0].AllocationSize != 0 || list[0].FileAttributes != fileaccess.AttributeReparsePoint {
			t.Errorf("F-191: listing: %+v, want the tree's link with size 9", list)
		}
	}
	w.exists(`d\`+privatePrefix+"ours", true) // It may be in use.
	w.tree.abandoned = -1 << 40
	f := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	_, _ = f.List("", true, 9, nil)
	w.exists(`d\`+privatePrefix+"ours", false)
	w.exists(`d\`+privatePrefix+"planted", true)
	dir, _ := w.openPlace("d")
	for _, c := range []struct {
		name  string
		inode uint64
		want  bool
	}{{"ours", w.inode(`d\ours`), true}, {"ours", w.inode(`d\planted`), false}, {"planted", w.inode(`d\planted`), false},
		{"spoiled", w.inode(`d\spoiled`), false}, {"none", 0, false}, {".", w.inode("d"), false}} {
		check.Equal(t, w.tree.ownLink(dir, c.name, c.inode), c.want, "F-129: ownLink(%s, %d)", c.name, c.inode)
	}
	w.link(`d\late`, "f", aliceOnly)
	host.Fail(unix.EIO, inject.Kind("getxattr"))
	check.That(t, !w.tree.ownLink(dir, "late", w.inode(`d\late`)), "F-129: a link that cannot be read is of the tree")
	host.Fail(nil)
	// A link that the tree did not create is not replaced, whatever its permissions grant (F-191).
	w.file("f", "", wide)
	mover := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	w.want(mover.Move(&nt.FileMove{Name: `d\planted`, Decide: agree(nil)}), ntstatus.AccessDenied)
	w.want(mover.Move(&nt.FileMove{Name: `d\ours`, Decide: agree(nil)}), ntstatus.Success)
	w.want(second(w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA).Target()), ntstatus.InvalidParameter)
}

// The target of a link must not be empty or contain a zero byte. This is checked after the tree's support of links
// (F-192).
func TestLinkTargetIsValidated(t *testing.T) {
	for _, c := range []struct {
		attribute, to string
		want          ntstatus.Status
	}{{ntacl.UserName, "f", ntstatus.NotSupported}, {ntacl.UserName, "", ntstatus.NotSupported},
		{"user.other", "f", ntstatus.NotSupported}, {ntacl.Name, "", ntstatus.InvalidParameter},
		{ntacl.Name, "a\x00", ntstatus.InvalidParameter}, {ntacl.Name, "\x00", ntstatus.InvalidParameter},
		{ntacl.Name, "f", ntstatus.Success}, {"security.user.", "f", ntstatus.Success}} {
		p := &place{t: &Tree{cfg: Config{Attribute: c.attribute}}}
		st := p.MakesLink(c.to)
		check.That(t, st == c.want && (p.target != "") == (st == ntstatus.Success),
			"F-192: MakesLink(%q) with attribute %s: %v, stored target %q; want %v", c.to, c.attribute, st, p.target, c.want)
	}
}
