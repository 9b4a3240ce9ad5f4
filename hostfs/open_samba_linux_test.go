package hostfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
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

// opener opens files over SMB, one request per line, and prints the status of each.
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

// serverUsers are accounts that every Debian system has.
var serverUsers = []string{smbd.Guest, "bin", "games"}

// A real file server and a tree on the same files decide random operations of three accounts equally. REFMON_OPENS is
// the number of operations, 2,000 by default.
func TestSambaAndTreeDecideAlike(t *testing.T) {
	asServer(t, 32, 0, nil)
}

// A real file server ignores the option for backup intent in opens. It decides as the tree does without the option.
// With the option, the tree also grants the rights of the account's privileges, and nothing else (F-20).
func TestSambaDecidesWithIntent(t *testing.T) {
	backup, restore := winnt.SeBackupPrivilege, winnt.SeRestorePrivilege
	listed := asServer(t, 20, fileaccess.OpenForBackupIntent, map[string][]winnt.Privilege{
		serverUsers[0]: {backup}, serverUsers[1]: {restore}, serverUsers[2]: {backup, restore}})
	check.That(t, listed["backup intent"] != 0, "no operation depends on backup intent")
}

// asServer compares random operations with these options on the server and on a tree. The server's accounts hold the
// privileges. It returns the number of each known difference.
func asServer(t *testing.T, stream uint64, options fileaccess.CreateOptions,
	held map[string][]winnt.Privilege) map[string]int {
	t.Helper()
	if err := exec.Command("/usr/bin/python3", "-c", "import samba.samba3.libsmb_samba_internal").Run(); err != nil {
		smbd.Skip(t, "python3 has no Samba here: install the package python3-samba")
	}
	s := smbd.Start(t, smbd.Share{Name: "v3", Config: "\tacl_xattr:ignore system acls = yes\n", Users: serverUsers})
	b := &sambaTree{&world{TB: t, root: filepath.Join(s.Dir, "v3"), sys: kernel.Boot(kernel.Config{})}, s, "v3"}
	threads, people, tokens := []*nt.Thread{}, []sid.SID{}, []*token.Token{}
	for _, user := range serverUsers {
		spec := s.TokenOf(user).Spec()
		spec.Privileges, spec.EnabledPrivileges = winnt.Privileges(held[user]...), winnt.Privileges(held[user]...)
		for _, p := range held[user] {
			s.Grant(user, p.String())
		}
		spec.Type = winnt.TokenPrimary
		tok := check.Must(token.New(spec))
		tokens, people = append(tokens, tok), append(people, tok.User().SID)
		threads = append(threads, b.thread(tok))
		for _, g := range tok.Groups() {
			if g.SID.Authority() == 22 {
				people = append(people, g.SID)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), stream))
	d := draw(rnd, people)
	d.make(t, b.root, ntacl.Name)
	tree := check.Must(Open(Config{Path: b.root, IgnorePosix: true, Share: sddl.MustParse("D:(A;;FA;;;WD)"),
		Policy: fileaccess.Policy{Profile: fileaccess.Observed, Traverse: fileaccess.TraverseNever}}))
	b.must(b.sys.AddTree("share", tree))
	defer func() { b.must(errors.Join(b.sys.Close(), tree.Close())) }()
	var list []question
	for range randtest.Count(t, "REFMON_OPENS", 2000) {
		q := d.ask(rnd, len(threads))
		q.Options |= options
		list = append(list, q)
	}
	count, wrong, listed := map[bool]int{}, 0, map[string]int{}
	for i, there := range b.onServer(list) {
		q := list[i]
		st := q.onTree(t, threads[q.User])
		if count[there == ntstatus.Success]++; there == st {
			continue
		}
		why := d.difference(&q, tokens[q.User], st == ntstatus.Success)
		if listed[why]++; why == "" && wrong < 20 {
			wrong++
			dir, _ := parentOf(q.Path)
			t.Errorf("%+v as %s: the server returns %v, the tree %v; want equal decisions\n%s\nin %s", q,
				tokens[q.User].User().SID, there, st, numericOr(d.descriptors[q.Path]), numericOr(d.descriptors[dir]))
		}
	}
	if total := len(list); count[true] < total/20 || count[false] < total/20 {
		t.Errorf("operations by success: %v, want at least %d of each", count, total/20)
	}
	t.Logf("%d operations, granted and refused: %v; listed differences: %v", len(list), count, listed)
	return listed
}

// onServer runs the operations on the server and returns their statuses.
func (b *sambaTree) onServer(list []question) (statuses []ntstatus.Status) {
	b.Helper()
	var lines, stderr strings.Builder
	for _, q := range list {
		line := check.Must(json.Marshal([]any{serverUsers[q.User], q.Path, q.Mask, q.Disposition, q.Options}))
		fmt.Fprintf(&lines, "%s\n", line)
	}
	config, address, password := b.server.Access()
	cmd := exec.Command("/usr/bin/python3", "-c", opener, address, config, password, b.share)
	cmd.Stdin, cmd.Stderr = strings.NewReader(lines.String()), &stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("SMB client: %v\n%s", err, stderr.String())
	}
	for _, line := range strings.Fields(string(out)) {
		var st ntstatus.Status
		b.must(check.Err(fmt.Sscan(line, (*uint32)(&st))))
		statuses = append(statuses, st)
	}
	if len(statuses) != len(list) {
		b.Fatalf("the server returns %d statuses, want %d: %s", len(statuses), len(list), stderr.String())
	}
	return statuses
}

// difference returns the difference, of those in docs/CAVEATS.md, that explains another decision of the server. It
// returns "" if none of them does.
func (d *drawn) difference(q *question, who *token.Token, granted bool) string {
	s := access.Subject{Primary: who}
	mask := winnt.FileObject.Mapping.Map(q.Mask)
	rest := *q
	rest.Mask = mask &^ winnt.FILE_READ_ATTRIBUTES
	if granted && q.Options&fileaccess.OpenForBackupIntent != 0 && !d.allows(s, q) {
		return d.byIntent(s, q)
	}
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

// byIntent returns the name of the difference if descriptors and the rights of the caller's privileges together grant
// the operation, else "".
func (d *drawn) byIntent(s access.Subject, q *question) string {
	var by winnt.AccessMask
	if s.Primary.Has(winnt.SeBackupPrivilege) && q.Disposition == fileaccess.FileOpen {
		by = winnt.FILE_GENERIC_READ | winnt.FILE_TRAVERSE
	}
	if s.Primary.Has(winnt.SeRestorePrivilege) {
		by |= winnt.FILE_GENERIC_WRITE | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER
	}
	rest := *q
	rest.Mask = winnt.FileObject.Mapping.Map(q.Mask) &^ by
	create, most := q.Disposition == fileaccess.FileCreate, rest.Mask&winnt.MAXIMUM_ALLOWED != 0
	if create && by&winnt.FILE_ADD_FILE != 0 || most && by != 0 || !create && d.allows(s, &rest) {
		return "backup intent"
	}
	return ""
}

// withoutOwnerRights returns a descriptor without the entries for OWNER RIGHTS.
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
