package hostfs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// sambaTree is a tree whose files a file server also serves.
type sambaTree struct {
	*world
	server *smbd.Server
	share  string
}

// A real file server on the same files shows the descriptors that the tree stores, and the server's descriptors
// decide in the tree. A new file inherits the same on both, except for times and hashes (F-121).
func TestSambaAndTreeShareDescriptors(t *testing.T) {
	smbd.SkipUnlessDeep(t)
	shares := []smbd.Share{{Name: "v4"}, {Name: "v3", Config: "\tacl_xattr:ignore system acls = yes\n"}}
	s := smbd.Start(t, shares...)
	for _, share := range shares {
		t.Run(share.Name, func(t *testing.T) {
			s.T = t
			w := &world{TB: t, root: filepath.Join(s.Dir, share.Name), sys: kernel.Boot(kernel.Config{})}
			b := &sambaTree{w, s, share.Name}
			tree := check.Must(Open(Config{Path: b.root, Missing: SynthesiseMissing, IgnorePosix: share.Name == "v3"}))
			b.tree = tree
			b.must(b.sys.AddTree("share", tree))
			defer func() {
				b.must(b.sys.Close())
				b.must(tree.Close())
			}()
			b.cacls("/", "D:PAI(A;OICI;0x1f01ff;;;BA)(A;OICIIO;0x1f01ff;;;CO)(A;OICI;0x1200a9;;;WD)(A;OICI;0x1301bf;;;GUEST)")
			b.setHere()
			b.inheritance()
			b.attributes()
			if share.Name == "v4" {
				b.names()
			} else {
				b.extended()
			}
			b.decisions()
			b.random()
		})
	}
}

// cacls sets a descriptor through the server.
func (b *sambaTree) cacls(path, text string) {
	b.Helper()
	text = strings.ReplaceAll(text, "GUEST", b.server.AsGuest.User().SID.String())
	b.server.Cacls("root", b.share, path, "--sddl", "-S", text)
}

// serverShows returns a file's descriptor as the server shows it.
func (b *sambaTree) serverShows(path string) string {
	b.Helper()
	return b.server.Cacls("root", b.share, path, "--numeric")
}

// numeric prints a descriptor as the server's program does.
func numeric(d *sd.Descriptor) string {
	var b strings.Builder
	fmt.Fprintf(&b, "REVISION:1\nCONTROL:0x%x\nOWNER:%s\nGROUP:%s\n", uint16(d.Control()), d.Owner(), d.Group())
	for _, e := range d.DACL().All() {
		fmt.Fprintf(&b, "ACL:%s:%d/0x%x/0x%08x\n", e.SID(), e.Type(), e.Flags(), uint32(e.Mask()))
	}
	return b.String()
}

// thread returns a thread of a process with that token.
func (b *sambaTree) thread(tok *token.Token) *nt.Thread {
	b.Helper()
	p := check.Must(b.sys.NewProcess("test", tok))
	return check.Must(p.NewThread())
}

// client runs commands of smbclient as an account.
func (b *sambaTree) client(user, commands string) (string, error) {
	b.Helper()
	return b.server.Client(user, b.share, commands)
}

// setHere sets descriptors through the tree that the server must show: of a file that the server created and of one
// that the tree created.
func (b *sambaTree) setHere() {
	b.Helper()
	if out, err := b.client("root", "put /etc/hostname theirs"); err != nil {
		b.Fatalf("smbclient: %v\n%s", err, out)
	}
	th := b.thread(b.administrator())
	b.want(th.NtClose(b.create(th, "ours", call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate},
		ntstatus.Success)), ntstatus.Success)
	for _, name := range []string{"theirs", "ours"} {
		before := b.readBack(name)
		if got := b.serverShows(name); got != numeric(before.Descriptor) {
			b.Errorf("%s: stored descriptor\n%s\nthe server shows\n%s", name, numeric(before.Descriptor), got)
		}
		h := b.open(th, name, winnt.WRITE_DAC, ntstatus.Success)
		next := sddl.MustParse("D:P(D;;0x2;;;S-1-5-21-1-2-3-1107)(A;;0x1f01ff;;;BA)(A;;0x120089;;;WD)")
		b.want(th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, next), ntstatus.Success)
		b.want(th.NtClose(h), ntstatus.Success)
		after := b.readBack(name)
		if !after.Descriptor.DACL().Equal(next.DACL()) || after.Version != before.Version {
			b.Errorf("%s: version %d, descriptor\n%s\nwant version %d and the DACL that was set", name, after.Version,
				numeric(after.Descriptor), before.Version)
		}
		if got := b.serverShows(name); got != numeric(after.Descriptor) {
			b.Errorf("%s: descriptor set through the tree\n%s\nthe server shows\n%s", name, numeric(after.Descriptor),
				got)
		}
	}
}

// administrator returns the token that the server gives its administrator.
func (b *sambaTree) administrator() *token.Token {
	b.Helper()
	root := b.server.TokenOf("root")
	spec := root.Spec()
	spec.Integrity = sid.MediumLevel // Otherwise new files would have a label, which the server does not support.
	spec.Groups = append(spec.Groups, token.Group{SID: sid.Administrators, Attributes: token.GroupDefault})
	return check.Must(token.New(spec))
}

// inheritance creates nested files and directories through the tree and through the server.
func (b *sambaTree) inheritance() {
	b.Helper()
	for i, text := range []string{
		"D:PAI(A;OICI;0x1f01ff;;;BA)(A;OICIIO;0x1f01ff;;;CO)(A;CI;0x1200a9;;;AU)",
		"D:AI(A;OI;0x120089;;;WD)(A;OICINP;0x1f01ff;;;BA)(D;CIIO;0x2;;;WD)",
		"D:P(A;OICI;0x1f01ff;;;BA)(A;OICI;0x10000000;;;CG)(A;IOOI;0x80000000;;;WD)",
	} {
		dir := fmt.Sprint("inherit", i)
		if out, err := b.client("root", "mkdir "+dir); err != nil {
			b.Fatalf("smbclient: %v\n%s", err, out)
		}
		b.cacls(dir, text)
		out, err := b.client("root", fmt.Sprintf("cd %s; mkdir theirs; put /etc/hostname theirfile", dir))
		if err != nil {
			b.Fatalf("smbclient: %v\n%s", err, out)
		}
		th := b.thread(b.administrator())
		q := call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}
		b.want(th.NtClose(b.create(th, dir+`\ourfile`, q, ntstatus.Success)), ntstatus.Success)
		q.options = fileaccess.DirectoryFile
		b.want(th.NtClose(b.create(th, dir+`\ours`, q, ntstatus.Success)), ntstatus.Success)
		b.sameAttrs(dir+`\ourfile`, dir+`\theirfile`)
		b.sameAttrs(dir+`\ours`, dir+`\theirs`)
	}
}

// sameAttrs compares the attributes of two files, except for times and for hashes, which depend on each file's
// permissions.
func (b *sambaTree) sameAttrs(ours, theirs string) {
	b.Helper()
	x, y := *b.readBack(ours), *b.readBack(theirs)
	for _, a := range []*ntacl.Attribute{&x, &y} {
		a.Time, a.Hash, a.SystemHash = 0, [64]byte{}, [64]byte{}
	}
	got := check.Must(x.Append(nil))
	want := check.Must(y.Append(nil))
	if string(got) != string(want) {
		b.Errorf("attributes differ: %s, version %d %q:\n%s%x\n%s, version %d %q:\n%s%x", ours, x.Version, x.What,
			numeric(x.Descriptor), got, theirs, y.Version, y.What, numeric(y.Descriptor), want)
	}
}

// attributes sets attributes through the tree that the server shows, and through the server that the tree shows
// (F-122, F-130, F-172, F-173).
func (b *sambaTree) attributes() {
	b.Helper()
	th := b.thread(b.administrator())
	all := call{desired: winnt.GENERIC_ALL, disposition: fileaccess.FileCreate}
	h := b.create(th, "kept", all, ntstatus.Success)
	all.options = fileaccess.DirectoryFile
	d := b.create(th, "keptdir", all, ntstatus.Success)
	b.must(os.WriteFile(b.path("bare"), nil, 0o644))
	b.storeOnServer("bare", "O:S-1-22-1-0G:S-1-22-2-0D:P(A;;0x1f01ff;;;BA)")
	shows := func(name, want string) {
		b.Helper()
		if out, err := b.client("root", "allinfo "+name); !strings.Contains(out, "attributes: "+want+"\n") {
			b.Errorf("attributes of %s by the server: %s, %v, want %s", name, out, err, want)
		}
	}
	sees := func(h winnt.Handle, want fileaccess.Attributes) {
		b.Helper()
		v, st := th.NtQueryInformationFile(h, nt.FileBasicInformation)
		if basic, ok := v.(nt.FileBasic); !ok || st != ntstatus.Success || basic.FileAttributes != want {
			b.Errorf("basic information by the tree: %+v, %v, want attributes %#x", v, st, want)
		}
	}
	set := func(h winnt.Handle, v nt.FileBasic) {
		b.Helper()
		b.want(th.NtSetInformationFile(h, nt.FileBasicInformation, v), ntstatus.Success)
	}
	shows("bare", " (80)")
	bare := b.open(th, "bare", winnt.GENERIC_ALL, ntstatus.Success)
	sees(bare, 0x80)
	shows("kept", "A (20)")
	shows("keptdir", "D (10)")
	set(h, nt.FileBasic{FileAttributes: 0x3, CreationTime: 125912558450000000}) // 2000-01-02 03:04:05 UTC
	set(d, nt.FileBasic{FileAttributes: 0x16})
	shows("kept", "RH (3)")
	shows("keptdir", "HSD (16)")
	if out, _ := b.client("root", "allinfo kept"); !strings.Contains(out, "create_time:    Sun Jan  2 03:04:05 ") {
		b.Errorf(`creation time by the server: %s, want "create_time:    Sun Jan  2 03:04:05 "`, out)
	}
	if out, err := b.client("root", "del kept; setmode kept -r-h; setmode keptdir -h-s+a; "+
		"utimes kept 2001:02:03-04:05:06 -1 -1 -1"); !strings.Contains(out, `CANNOT_DELETE deleting remote file \kept`) {
		b.Errorf("smbclient: %s, %v, want text containing %q", out, err, `CANNOT_DELETE deleting remote file \kept`)
	}
	sees(h, 0x80)
	sees(d, 0x30)
	v, _ := th.NtQueryInformationFile(h, nt.FileBasicInformation)
	if basic, ok := v.(nt.FileBasic); !ok || !filetime.Time(basic.CreationTime).Truncate(time.Second).Equal(
		time.Date(2001, 2, 3, 4, 5, 6, 0, time.Local)) {
		b.Errorf("creation time that the server set, by the tree: %+v, want 2001-02-03 04:05:06", v)
	}
	// A change of contents or name sets the archive attribute on both sides.
	b.want(check.Status(th.NtWriteFileAt(h, []byte("x"), 0)), ntstatus.Success)
	shows("kept", "A (20)")
	b.want(th.NtClose(h), ntstatus.Success)
	if out, err := b.client("root", "setmode kept -a; rename kept moved; put /etc/hostname bare"); err != nil {
		b.Errorf("smbclient: %s, %v, want success", out, err)
	}
	shows("moved", "A (20)")
	sees(bare, 0x20)
	for _, h := range []winnt.Handle{d, bare} {
		b.want(th.NtClose(h), ntstatus.Success)
	}
}

// extended sets extended attributes on each side and reads them on the other. The server's own attributes are hidden
// on both (F-194, F-195).
func (b *sambaTree) extended() {
	b.Helper()
	th := b.thread(b.administrator())
	h := b.create(th, "extended", call{desired: winnt.GENERIC_ALL, disposition: fileaccess.FileCreate}, ntstatus.Success)
	f, _, done, st := b.sys.TreeFile(th, h)
	b.want(st, ntstatus.Success)
	defer done()
	ours := f.(*file)
	b.want(ours.SetExtended("user.HERE", []byte("of ours"), 0), ntstatus.Success)
	out, err := b.client("root", "setea extended THERE theirs; geteas extended")
	if err != nil || !strings.Contains(out, "HERE") || !strings.Contains(out, "of ours") ||
		strings.Contains(out, "DOSATTRIB") {
		b.Errorf("F-194: extended attributes by the server: %s, %v, want HERE and not DOSATTRIB", out, err)
	}
	names, st := ours.ExtendedNames()
	slices.Sort(names)
	if b.want(st, ntstatus.Success); !slices.Equal(names, []string{"user.HERE", "user.THERE"}) {
		b.Errorf("F-194: extended attributes by the tree: %q, want [user.HERE user.THERE]", names)
	}
	value, st := ours.Extended("user.THERE")
	if b.want(st, ntstatus.Success); string(value) != "theirs" {
		b.Errorf(`F-194: attribute that the server set, by the tree: %q, want "theirs"`, value)
	}
	b.want(th.NtClose(h), ntstatus.Success)
}

// names compares the host names that the server shows and opens unchanged with those of the tree. The server mangles
// the others (F-113, F-176).
func (b *sambaTree) names() {
	b.Helper()
	const dir = "names"
	b.must(os.Mkdir(b.path(dir), 0o755))
	b.storeOnServer(dir, "O:S-1-22-1-0G:S-1-22-2-0D:P(A;OICI;0x1f01ff;;;BA)")
	th := b.thread(b.administrator())
	h := b.open(th, dir, winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	type row struct {
		name                       string
		theirList, theirOpen, ours bool
	}
	rows := []row{
		{"plain.text", true, true, true}, {" leading", true, true, true}, {"no. 8 ~1", true, true, true},
		{"trailing.", false, true, true}, {"NUL", false, true, true}, {"con.txt", false, true, true},
		{"a:b", false, false, false}, {`a\b`, false, false, false}, {"a?b", false, false, false},
		{"a<b", false, false, false}, {"a|b", false, false, false}, {"a\x01b", false, false, false},
		{"a\xffb", false, false, false}, {`a"b`, false, false, false},
	}
	commands := "cd " + dir + "; ls"
	mangled := 0
	for _, c := range rows {
		b.must(os.WriteFile(b.root+"/"+dir+"/"+c.name, nil, 0o644))
		commands += `; get "` + c.name + `" /dev/null`
		if !c.theirList && c.name != "a\xffb" { // The server leaves out a name in no character set.
			mangled++
		}
	}
	out, _ := b.client("root", commands) // The command fails because of its last name.
	if n := strings.Count(out, "~") - strings.Count(out, "no. 8 ~1"); n != mangled {
		b.Errorf("mangled names in the server's listing: %d, want %d:\n%s", n, mangled, out)
	}
	entries := check.Result(th.NtQueryDirectoryFile(h, "", true))
	for _, c := range rows {
		there := strings.Contains(out, "\n  "+c.name+"  ")
		opened := strings.Contains(out, `getting file \names\`+c.name+" of size")
		if there != c.theirList || opened != c.theirOpen {
			b.Errorf("%q: the server lists it: %t, opens it: %t, want %t, %t\n%s", c.name, there, opened, c.theirList,
				c.theirOpen, out)
		}
		listed := slices.ContainsFunc(entries, func(e nt.FileEntry) bool { return e.FileName == c.name })
		f, _, st := th.NtCreateFile(call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileOpen}.at(
			dir + `\` + c.name))
		if listed != c.ours || (st == ntstatus.Success) != c.ours {
			b.Errorf("%q: the tree lists it: %t, opens it: %v, want %t", c.name, listed, st, c.ours)
		}
		b.want(closeAny(th, f), ntstatus.Success)
	}
	if len(entries) != 2+6 {
		b.Errorf("the tree lists %v, want 8 entries", entries)
	}
	b.want(th.NtClose(h), ntstatus.Success)
}

// decisions compares the decisions of the tree and of the server about an account's reads.
func (b *sambaTree) decisions() {
	b.Helper()
	th := b.thread(b.primary(b.server.AsGuest))
	for i, text := range []string{"D:P(A;;0x120089;;;WD)", "D:P(D;;0x6;;;GUEST)(A;;0x1f01ff;;;WD)",
		"D:P(A;;0x1f01ff;;;BA)", "D:P(A;;0x1301bf;;;GUEST)",
		"O:S-1-22-1-1G:S-1-22-2-1D:P(A;;0x1;;;WD)", "D:P(A;;0x1200a9;;;AU)"} {
		name := fmt.Sprint("decide", i)
		if out, err := b.client("root", "put /etc/hostname "+name); err != nil {
			b.Fatalf("smbclient: %v\n%s", err, out)
		}
		b.cacls(name, text)
		out, err := b.client(smbd.Guest, "get "+name+" /dev/null")
		h, _, st := th.NtCreateFile(call{desired: winnt.FILE_GENERIC_READ, disposition: fileaccess.FileOpen}.at(name))
		if (err == nil) != (st == ntstatus.Success) {
			b.Errorf("file with %s: the server returns %v %s, the tree %v; want both to grant or to deny", text, err,
				out, st)
		}
		b.want(closeAny(th, h), ntstatus.Success)
	}
}

// primary returns a token that a process can have.
func (b *sambaTree) primary(t *token.Token) *token.Token {
	b.Helper()
	spec := t.Spec()
	spec.Type = winnt.TokenPrimary
	return check.Must(token.New(spec))
}

// random compares reads of files with random descriptors, all in one session.
func (b *sambaTree) random() {
	b.Helper()
	rnd := rand.New(rand.NewPCG(randtest.Seed(b), 0))
	var commands []string
	const files = 300
	for i := range files {
		text := "D:P"
		for range 1 + rnd.IntN(4) {
			text += fmt.Sprintf("(%s;;%s;;;%s)", pick(rnd, "A", "A", "D"), pick(rnd, "0x120089", "0x1f01ff", "0x2", "0x1"),
				pick(rnd, "WD", "AU", "BA", b.server.AsGuest.User().SID.String(), "S-1-22-2-1"))
		}
		name := fmt.Sprint("r", i)
		b.must(os.WriteFile(b.path(name), nil, 0o600))
		b.must(os.Chmod(b.path(name), 0o644)) // The server's process for the guest can read the file.
		b.storeOnServer(name, "O:S-1-22-1-0G:S-1-22-2-0"+text)
		commands = append(commands, "get "+name+" /dev/null")
	}
	out, _ := b.client(smbd.Guest, strings.Join(commands, ";")) // The command fails if the last file is denied.
	th := b.thread(b.primary(b.server.AsGuest))
	count := map[bool]int{}
	for i := range files {
		name := fmt.Sprint("r", i)
		there := !strings.Contains(out, `NT_STATUS_ACCESS_DENIED opening remote file \`+name+"\n")
		h, _, st := th.NtCreateFile(call{desired: winnt.FILE_GENERIC_READ, disposition: fileaccess.FileOpen}.at(name))
		if count[there]++; there != (st == ntstatus.Success) {
			d := b.readBack(name).Descriptor
			b.Errorf("%s: the server grants it: %t, the tree returns %v\n%s", name, there, st, numeric(d))
		}
		b.want(closeAny(th, h), ntstatus.Success)
	}
	if count[true] < files/20 || count[false] < files/20 {
		b.Errorf("reads by the server's decision: %v, want at least a twentieth of each\n%.2000s", count, out)
	}
}

// storeOnServer gives a file an attribute that the server of this share accepts.
func (b *sambaTree) storeOnServer(name, text string) {
	b.Helper()
	a := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse(text)}
	if b.share == "v3" {
		a = ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: a.Descriptor}
	}
	fd := check.Must(below(b.tree.root, name, 0))
	defer shut(fd)
	s := check.Must(stat(fd))
	b.must(b.tree.write(fd, &s, &a))
}

func pick(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }
