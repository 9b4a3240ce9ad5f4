package hostfs

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
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

// question is one drawn operation on a file of a drawn tree.
type question struct {
	User        int
	Path        string // with backslashes
	Mask        winnt.AccessMask
	Disposition fileaccess.Disposition
	Options     fileaccess.CreateOptions
}

// drawn is a tree of drawn descriptors, by path with backslashes.
type drawn struct {
	dirs, files []string
	descriptors map[string]*sd.Descriptor
}

// people are the SIDs that drawn descriptors name beside the well-known ones.
func draw(rnd *rand.Rand, people []sid.SID) *drawn {
	const dirs, files = 12, 60
	d := &drawn{descriptors: map[string]*sd.Descriptor{"": sddl.MustParse("O:BAG:SYD:P(A;;0x1301bf;;;WD)")}}
	some := func() *sd.Descriptor {
		who := func() string {
			return pick(rnd, "WD", "AU", "NU", "OW", "BA", people[rnd.IntN(len(people))].String())
		}
		text := "O:" + people[rnd.IntN(len(people))].String() + "G:" + people[rnd.IntN(len(people))].String() + "D:P"
		for range 1 + rnd.IntN(5) {
			text += fmt.Sprintf("(%s;;%s;;;%s)", pick(rnd, "A", "A", "D"), pick(rnd, "0x120089", "0x120116", "0x1200a0",
				"0x1f01ff", "0x1", "0x2", "0x4", "0x6", "0x10000", "0x40", "0x20", "0x80", "0x100", "0x60000", "0x1301bf"), who())
		}
		return sddl.MustParse(text)
	}
	for i := range dirs {
		path := fmt.Sprint("d", i)
		if i > 3 {
			path = d.dirs[rnd.IntN(4)] + `\` + path
		}
		d.dirs = append(d.dirs, path)
		d.descriptors[path] = some()
	}
	for i := range files {
		path := d.dirs[rnd.IntN(dirs)] + fmt.Sprint(`\f`, i)
		d.files = append(d.files, path)
		d.descriptors[path] = some()
	}
	return d
}

// make makes the tree below a directory, open to every process behind it: descriptors
// alone decide.
func (d *drawn) make(t testing.TB, root, attribute string) {
	t.Helper()
	var err error
	for _, dir := range d.dirs {
		at := filepath.Join(root, strings.ReplaceAll(dir, `\`, "/"))
		err = errors.Join(err, os.Mkdir(at, 0o700), os.Chmod(at, 0o777))
	}
	for _, file := range d.files {
		at := filepath.Join(root, strings.ReplaceAll(file, `\`, "/"))
		err = errors.Join(err, os.WriteFile(at, []byte("x"), 0o600), os.Chmod(at, 0o666))
	}
	for path, sec := range d.descriptors {
		a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sec}
		value, bad := a.Append(nil)
		err = errors.Join(err, bad, setAttribute(filepath.Join(root, strings.ReplaceAll(path, `\`, "/")), attribute, value))
	}
	if err = errors.Join(err, os.Chmod(root, 0o777)); err != nil {
		t.Fatal(err)
	}
}

// ask draws one operation: an open with a right, a few, words of rights or all there is,
// or the making of something that goes away at once.
func (d *drawn) ask(rnd *rand.Rand, users int) question {
	q := question{User: rnd.IntN(users), Disposition: fileaccess.FileOpen}
	bits := []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.FILE_APPEND_DATA, winnt.FILE_EXECUTE,
		winnt.FILE_READ_ATTRIBUTES, winnt.FILE_WRITE_ATTRIBUTES, winnt.DELETE, winnt.READ_CONTROL, winnt.WRITE_DAC,
		winnt.WRITE_OWNER, winnt.FILE_READ_EA, winnt.FILE_DELETE_CHILD}
	words := []winnt.AccessMask{winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_EXECUTE, winnt.GENERIC_ALL,
		winnt.MAXIMUM_ALLOWED, winnt.FILE_GENERIC_READ | winnt.FILE_GENERIC_WRITE}
	q.Mask = bits[rnd.IntN(len(bits))]
	if rnd.IntN(3) == 0 {
		q.Mask |= bits[rnd.IntN(len(bits))]
	}
	if rnd.IntN(4) == 0 {
		q.Mask = words[rnd.IntN(len(words))]
	}
	q.Path = d.files[rnd.IntN(len(d.files))]
	switch rnd.IntN(5) {
	case 0:
		q.Path, q.Options = d.dirs[rnd.IntN(len(d.dirs))], fileaccess.DirectoryFile
	case 1:
		q.Path, q.Disposition = d.dirs[rnd.IntN(len(d.dirs))]+`\new`, fileaccess.FileCreate
		q.Mask, q.Options = winnt.DELETE|winnt.FILE_READ_ATTRIBUTES, fileaccess.DeleteOnClose
		if rnd.IntN(2) == 0 {
			q.Options |= fileaccess.DirectoryFile
		}
	}
	return q
}

// here asks the tree and returns the status.
func (q *question) here(t testing.TB, th *nt.Thread) ntstatus.Status {
	t.Helper()
	h, _, st := th.NtCreateFile(call{desired: q.Mask, disposition: q.Disposition, options: q.Options}.at(q.Path))
	if closed := closeAny(th, h); closed != ntstatus.Success {
		t.Fatal(closed)
	}
	return st
}

// TestTwin: a tree decides thousands of drawn operations on real files as access checks of
// the descriptors alone do, by the object's and, where those count, by
// its directory's (F-2, F-31, F-40 to F-44).
func TestTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 31))
	w := newWorld(t)
	users := []string{alice, bob, "S-1-5-21-1-2-3-1109"}
	d := draw(rnd, []sid.SID{sid.MustParse(alice), sid.MustParse(bob), sid.MustParse(staff), sid.Anonymous})
	d.make(t, w.root, attributeHere(t))
	var threads []*nt.Thread
	for _, u := range users {
		threads = append(threads, w.as(u))
	}
	count, wrong := map[bool]int{}, 0
	for range randtest.Count(t, "REFMON_OPENS", 3000) {
		q := d.ask(rnd, len(users))
		st := q.here(t, threads[q.User])
		want := d.allows(w.subject(users[q.User]), &q)
		if count[want]++; want != (st == ntstatus.Success) && wrong < 10 {
			wrong++
			dir, _ := parentOf(q.Path)
			t.Errorf("%+v as %s: %v, the checks alone say %t\n%s\nin %s", q, users[q.User], st, want,
				numericOr(d.descriptors[q.Path]),
				numericOr(d.descriptors[dir]))
		}
	}
	if total := count[true] + count[false]; count[true] < total/20 || count[false] < total/20 {
		t.Errorf("granted and refused: %v, too few of one", count)
	}
}

// allows answers by access checks alone. The people of the tests hold SeChangeNotifyPrivilege:
// no directory on the way is asked.
func (d *drawn) allows(s access.Subject, q *question) bool {
	most := func(of *sd.Descriptor) (m winnt.AccessMask) {
		for bit := winnt.AccessMask(1); bit <= winnt.SYNCHRONIZE; bit <<= 1 {
			if dec, err := access.Check(s.Primary, of, bit, winnt.FileObject); err == nil && dec.Allowed() {
				m |= bit
			}
		}
		return m
	}
	dir, _ := parentOf(q.Path)
	if q.Disposition == fileaccess.FileCreate {
		need := winnt.FILE_ADD_FILE
		if q.Options&fileaccess.DirectoryFile != 0 {
			need = winnt.FILE_ADD_SUBDIRECTORY
		}
		return most(d.descriptors[dir])&need != 0
	}
	has := most(d.descriptors[q.Path])
	above := most(d.descriptors[dir])
	if above&winnt.FILE_DELETE_CHILD != 0 {
		has |= winnt.DELETE
	}
	if above&winnt.FILE_LIST_DIRECTORY != 0 {
		has |= winnt.FILE_READ_ATTRIBUTES
	}
	need := winnt.FileObject.Mapping.Map(q.Mask)
	if need&winnt.MAXIMUM_ALLOWED != 0 {
		return has != 0
	}
	return need&^has == 0
}

// opener opens files through SMB, a question a line, and prints the status of each.
const opener = `
import sys, json
from samba.samba3 import libsmb_samba_internal as libsmb, param
from samba import credentials, NTSTATUSError
host, config, password, share = sys.argv[1:5]
lp = param.get_context(); lp.load(config)
made = {}
for line in sys.stdin:
    user, path, mask, disposition, options = json.loads(line)
    if user not in made:
        c = credentials.Credentials(); c.guess(lp)
        c.set_username(user); c.set_password(password); c.set_kerberos_state(credentials.DONT_USE_KERBEROS)
        made[user] = libsmb.Conn(host, share, lp, c)
    c = made[user]
    try:
        c.close(c.create(path, DesiredAccess=mask, ShareAccess=7, CreateDisposition=disposition, CreateOptions=options))
        print(0)
    except NTSTATUSError as e: print(e.args[0] & 0xffffffff)
`

// serverUsers are accounts that each Debian system has.
var serverUsers = []string{smbd.Guest, "bin", "games"}

// TestSambaDecides: a real file server and a tree on the same files decide drawn
// operations of three accounts alike. REFMON_OPENS says how many, 2,000 unless it is set.
func TestSambaDecides(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import samba.samba3.libsmb_samba_internal").Run(); err != nil {
		smbd.Skip(t, "python3 has no Samba here: install the package python3-samba")
	}
	s := smbd.Start(t, smbd.Share{Name: "v3", Config: "\tacl_xattr:ignore system acls = yes\n", Users: serverUsers})
	b := &beside{&world{TB: t, root: filepath.Join(s.Dir, "v3"), sys: kernel.Boot(kernel.Config{})}, s, "v3"}
	var threads []*nt.Thread
	var people []sid.SID
	var tokens []*token.Token
	for _, user := range serverUsers {
		tok := b.primary(s.TokenOf(user))
		tokens, people = append(tokens, tok), append(people, tok.User().SID)
		threads = append(threads, b.thread(tok))
		for _, g := range tok.Groups() {
			if g.SID.Authority() == 22 {
				people = append(people, g.SID)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 32))
	d := draw(rnd, people)
	d.make(t, b.root, ntacl.Name)
	tree, err := Open(Config{Path: b.root, IgnorePosix: true, Share: sddl.MustParse("D:(A;;FA;;;WD)"),
		Policy: fileaccess.Policy{Profile: fileaccess.Observed, Traverse: fileaccess.TraverseNever}})
	b.must(err)
	b.must(b.sys.AddTree("share", tree))
	defer func() { b.must(errors.Join(b.sys.Close(), tree.Close())) }()
	var list []question
	var lines strings.Builder
	for range randtest.Count(t, "REFMON_OPENS", 2000) {
		q := d.ask(rnd, len(threads))
		line, err := json.Marshal([]any{serverUsers[q.User], q.Path, q.Mask, q.Disposition, q.Options})
		b.must(err)
		list = append(list, q)
		fmt.Fprintf(&lines, "%s\n", line)
	}
	config, address, password := s.Access()
	cmd := exec.Command("/usr/bin/python3", "-c", opener, address, config, password, "v3")
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(lines.String()), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	answers := bufio.NewScanner(strings.NewReader(string(out)))
	count, wrong, listed := map[bool]int{}, 0, map[string]int{}
	for _, q := range list {
		if !answers.Scan() {
			t.Fatalf("the server's answers end: %s", stderr.String())
		}
		var there ntstatus.Status
		if _, err := fmt.Sscan(answers.Text(), (*uint32)(&there)); err != nil {
			t.Fatal(err)
		}
		st := q.here(t, threads[q.User])
		if count[there == ntstatus.Success]++; there == st {
			continue
		}
		why := d.difference(&q, tokens[q.User], st == ntstatus.Success)
		if listed[why]++; why == "" && wrong < 20 {
			wrong++
			dir, _ := parentOf(q.Path)
			t.Errorf("%+v as %s: the server says %v, here it is %v\n%s\nin %s", q, tokens[q.User].User().SID, there, st,
				numericOr(d.descriptors[q.Path]), numericOr(d.descriptors[dir]))
		}
	}
	if total := len(list); count[true] < total/20 || count[false] < total/20 {
		t.Errorf("granted and refused: %v, too few of one", count)
	}
	t.Logf("%d operations, granted and refused: %v; listed differences: %v", len(list), count, listed)
}

// difference names the difference of docs/CAVEATS.md that explains another verdict of the
// server; "" if none of them does.
func (d *drawn) difference(q *question, who *token.Token, granted bool) string {
	s := access.Subject{Primary: who}
	mask := winnt.FileObject.Mapping.Map(q.Mask)
	rest := *q
	rest.Mask = mask &^ winnt.FILE_READ_ATTRIBUTES
	switch nothing := rest.Mask == 0 || rest.Mask == winnt.MAXIMUM_ALLOWED; {
	case q.Disposition == fileaccess.FileCreate:
		dir, _ := parentOf(q.Path)
		other := &drawn{descriptors: map[string]*sd.Descriptor{dir: withoutOwnerRights(d.descriptors[dir])}}
		if other.allows(s, q) != granted {
			return "OWNER RIGHTS of the directory"
		}
	case !granted && (nothing || rest.Mask != mask && d.allows(s, &rest)):
		return "attributes are read by all"
	}
	return ""
}

// withoutOwnerRights leaves the entries for OWNER RIGHTS out.
func withoutOwnerRights(d *sd.Descriptor) *sd.Descriptor {
	var rest []sd.ACE
	for _, e := range d.DACL().All() {
		if e.SID() != sid.OwnerRights {
			rest = append(rest, e)
		}
	}
	l, err := sd.NewACL(rest...)
	if err != nil {
		return nil
	}
	return sd.New(sd.Parts{Owner: d.Owner(), Group: d.Group(), DACL: l})
}

// numericOr prints a descriptor, if there is one.
func numericOr(d *sd.Descriptor) string {
	if d == nil {
		return "nothing is there\n"
	}
	return numeric(d)
}
