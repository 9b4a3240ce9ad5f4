package admin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/token"
)

// asker asks a store of its own in the name of the system.
type asker struct {
	*testing.T
	admin.Answerer
	by *token.Token
}

func newAsker(t *testing.T) *asker {
	t.Helper()
	return &asker{t, admin.Answerer{Store: open(t)}, made(t, token.LocalSystem())}
}

func (a *asker) send(b []byte) ([]byte, error) {
	out, st := a.Answer(a.by, b)
	return out, st.Err()
}

// must makes a request that is to succeed.
func (a *asker) must(r admin.Request) {
	a.Helper()
	if out, err := admin.Ask(a.send, r); err != nil || len(out.Data) > 0 || out.More || out.Revision != "" {
		a.Errorf("%+v: %+v, %v", r, out, err)
	}
}

// machine is the computer's part of a SID.
var machine = regexp.MustCompile(`S-1-5-21-\d+-\d+-\d+`)

// list returns the rows of a list without the heads, with M for the computer's SID and
// one blank between cells.
func (a *asker) list(do admin.Do) string {
	a.Helper()
	text, err := admin.Fetch(a.send, admin.Request{Do: do})
	if err != nil {
		a.Fatal(err)
	}
	_, rows, _ := strings.Cut(machine.ReplaceAllString(string(text), "M"), "\n")
	return regexp.MustCompile(` +`).ReplaceAllString(rows, " ")
}

// has fails unless a list has a row.
func (a *asker) has(do admin.Do, row string, want bool) {
	a.Helper()
	if got := a.list(do); strings.Contains("\n"+got, "\n"+row+"\n") != want {
		a.Errorf("%s: %q in it: want %t\n%s", do, row, want, got)
	}
}

func number(n uint32) *uint32 { return &n }
func text(s string) *string   { return &s }

// TestAccounts: each request about an account changes what it names, and the rest stays.
func TestAccounts(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice", UID: number(1000), FullName: text("Alice \x1b A")})
	a.must(admin.Request{Do: admin.AddAccount, Name: "bob", Disabled: true, Password: "Long enough 1!"})
	a.must(admin.Request{Do: admin.AddAccount, Name: "carol", UID: number(1003), Password: "Long enough 1!"})
	const bob, carol = "bob M-1002 - disabled -\n", "carol M-1003 1003 active -\n"
	accounts := func(want string) {
		t.Helper()
		got := a.list(admin.ListAccounts)
		if i := strings.Index(got, "M-1001"); i < 0 || got[strings.LastIndex(got[:i], "\n")+1:] != want {
			t.Errorf("accounts:\n%s\nwant at the end\n%s", got, want)
		}
	}
	accounts("alice M-1001 1000 no password Alice \ufffd A\n" + bob + carol)
	a.must(admin.Request{Do: admin.Lock, Name: "alice"})
	accounts("alice M-1001 1000 disabled Alice \ufffd A\n" + bob + carol)
	a.must(admin.Request{Do: admin.Unlock, Name: "alice"})
	a.must(admin.Request{Do: admin.SetPassword, Name: "alice", Password: "Long enough 2!"})
	a.must(admin.Request{Do: admin.SetAccount, Name: "alice", NewName: text("ALIX"), UID: number(1010)})
	accounts("ALIX M-1001 1010 active Alice \ufffd A\n" + bob + carol)
	a.must(admin.Request{Do: admin.SetAccount, Name: "alix", FullName: text("A B")})
	accounts("ALIX M-1001 1010 active A B\n" + bob + carol)
	a.must(admin.Request{Do: admin.SetAccount, Name: "alix", NoUID: true, FullName: text("")})
	accounts("ALIX M-1001 - active -\n" + bob + carol)
	a.must(admin.Request{Do: admin.DeleteAccount, Name: "bob"})
	accounts("ALIX M-1001 - active -\n" + carol)
}

// TestGroupsAndRights: members come and go one by one, and so do rights.
func TestGroupsAndRights(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice"})
	a.must(admin.Request{Do: admin.AddGroup, Name: "team", UID: number(77)})
	a.has(admin.ListGroups, "team M-1002 77 - -", true)
	a.must(admin.Request{Do: admin.AddMember, Name: "team", Member: "alice"})
	a.must(admin.Request{Do: admin.AddMember, Name: "team", Member: "S-1-5-21-9-9-9-1000"})
	a.has(admin.ListGroups, `team M-1002 77 HOST\alice M-1001`, true)
	a.has(admin.ListGroups, `team M-1002 77 - M-1000`, true) // an account of elsewhere
	a.has(admin.ListGroups, "team M-1002 77 - -", false)
	a.must(admin.Request{Do: admin.RemoveMember, Name: "team", Member: "alice"})
	a.has(admin.ListGroups, `team M-1002 77 HOST\alice M-1001`, false)
	a.has(admin.ListGroups, `team M-1002 77 - M-1000`, true)
	a.must(admin.Request{Do: admin.Grant, Name: "team", Rights: []string{"SeBackupPrivilege", "SeBatchLogonRight",
		"SeRestorePrivilege"}})
	a.has(admin.ListRights, `HOST\team M-1002 SeBackupPrivilege SeRestorePrivilege SeBatchLogonRight`, true)
	a.must(admin.Request{Do: admin.Revoke, Name: "team", Rights: []string{"SeBackupPrivilege"}})
	a.has(admin.ListRights, `HOST\team M-1002 SeRestorePrivilege SeBatchLogonRight`, true)
	a.must(admin.Request{Do: admin.Revoke, Name: "team", Rights: []string{"SeBatchLogonRight", "SeRestorePrivilege"}})
	if got := a.list(admin.ListRights); strings.Contains(got, "team") ||
		strings.Contains(got, " -\n") {
		t.Errorf("rights:\n%s", got)
	}
	a.must(admin.Request{Do: admin.DeleteGroup, Name: "team"})
	if got := a.list(admin.ListGroups); strings.Contains(got, "team") || !strings.Contains(got, "Administrators") {
		t.Errorf("groups:\n%s", got)
	}
}

// TestRefusedRequests: what cannot be done is a sentence, and changes nothing.
func TestRefusedRequests(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice"})
	before, _, err := a.Store.Revision()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r    admin.Request
		want string
	}{
		{admin.Request{}, `"": there is no such request`}, {admin.Request{Do: "dance"}, `"dance": there is no such request`},
		{admin.Request{Do: admin.DeleteGroup, Name: "nosuch"}, `"nosuch": no account or group has that name`},
		{admin.Request{Do: admin.AddMember, Name: "nosuch", Member: "alice"}, `"nosuch"`},
		{admin.Request{Do: admin.AddMember, Name: "Administrators", Member: "nosuch"}, `"nosuch"`},
		{admin.Request{Do: admin.RemoveMember, Name: "Administrators", Member: "nosuch"}, `"nosuch"`},
		{admin.Request{Do: admin.Grant, Name: "alice"}, "no right is given"},
		{admin.Request{Do: admin.Revoke, Name: "alice"}, "no right is given"},
		{admin.Request{Do: admin.Grant, Name: "alice", Rights: []string{"SeBackupPrivilege", "SeGodPrivilege"}},
			"SeGodPrivilege"},
		{admin.Request{Do: admin.Lock, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.Unlock, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.SetPassword, Name: "nosuch", Password: "Long enough 1!"}, "nosuch"},
		{admin.Request{Do: admin.DeleteAccount, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.SetAccount, Name: "nosuch"}, "nosuch"},
		{admin.Request{Do: admin.AddAccount, Name: "ALICE"}, "ALICE"},
		{admin.Request{Do: admin.Import, File: "nonsense: 1\n"}, "nonsense"},
	} {
		if out, err := admin.Ask(a.send, c.r); err == nil || !strings.Contains(err.Error(), c.want) || out.Data != nil {
			t.Errorf("%+v: %+v, %v, want %s", c.r, out, err, c.want)
		}
	}
	if out, st := a.Answer(a.by, []byte(`{"do":"account list","nonsense":1}`)); st != ntstatus.Success ||
		!strings.Contains(string(out), "nonsense") {
		t.Errorf("an unknown field: %s, %v", out, st)
	}
	// An offset before the beginning or behind the end is no fault of the daemon's.
	for _, do := range []admin.Do{admin.Export, admin.ListAccounts, admin.ListGroups, admin.ListRights, admin.BackupStore,
		admin.BackupKey, admin.BackupPublic} {
		for _, at := range []int64{-1, math.MinInt64, math.MaxInt64} {
			if out, err := admin.Ask(a.send, admin.Request{Do: do, Offset: at}); err == nil && at > 0 && len(out.Data) > 0 {
				t.Errorf("%s from %d: %d bytes", do, at, len(out.Data))
			}
		}
	}
	if after, _, err := a.Store.Revision(); err != nil || after != before {
		t.Errorf("the store changed: %d, was %d, %v", after, before, err)
	}
}

// TestKeys: the two halves of the audit log's key are told apart, a part ends at a
// megabyte, and an offset outside of it gives nothing.
func TestKeys(t *testing.T) {
	a := newAsker(t)
	for _, do := range []admin.Do{admin.BackupKey, admin.BackupPublic} {
		if b, err := admin.Fetch(a.send, admin.Request{Do: do}); err != nil || len(b) != 0 {
			t.Errorf("%s without a log: %q, %v", do, b, err)
		}
	}
	const most = 1 << 20
	broken := errors.New("broken")
	var fails error
	a.AuditKey = func(public bool) ([]byte, error) {
		if public {
			return bytes.Repeat([]byte("p"), most), fails
		}
		return append(bytes.Repeat([]byte("s"), most), 'S'), fails
	}
	for _, c := range []struct {
		do     admin.Do
		offset int64
		want   string
		n      int
		more   bool
	}{
		{admin.BackupPublic, 0, "p", most, false}, {admin.BackupPublic, most - 1, "p", 1, false},
		{admin.BackupPublic, most, "", 0, false}, {admin.BackupPublic, most + 1, "", 0, false},
		{admin.BackupPublic, -1, "", 0, false}, {admin.BackupKey, 0, "s", most, true},
		{admin.BackupKey, most, "S", 1, false}, {admin.BackupKey, 1, "s", most, false},
	} {
		out, err := admin.Ask(a.send, admin.Request{Do: c.do, Offset: c.offset})
		if err != nil || len(out.Data) != c.n || out.More != c.more || !strings.HasPrefix(string(out.Data), c.want) ||
			out.Revision == "" {
			t.Errorf("%s from %d: %d bytes, more %t, %v, want %d, %t", c.do, c.offset, len(out.Data), out.More, err, c.n,
				c.more)
		}
	}
	if b, err := admin.Fetch(a.send, admin.Request{Do: admin.BackupKey}); err != nil ||
		len(b) != most+1 || b[most] != 'S' {
		t.Errorf("the key in parts: %d bytes, %v", len(b), err)
	}
	fails = broken
	if _, err := admin.Fetch(a.send, admin.Request{Do: admin.BackupKey}); err == nil || err.Error() != "broken" {
		t.Errorf("a key that cannot be read: %v", err)
	}
}

// TestAnswersAreRead: what is no answer of the daemon is an error, and so is one that
// never comes to its end.
func TestAnswersAreRead(t *testing.T) {
	broken := errors.New("broken")
	n := 0
	for _, c := range []struct {
		name string
		send func([]byte) ([]byte, error)
		want string
	}{
		{"not sent", func([]byte) ([]byte, error) { return []byte("{}"), broken }, "broken"},
		{"no JSON", func([]byte) ([]byte, error) { return []byte("{"), nil }, "the daemon's answer: "},
		{"refused", func([]byte) ([]byte, error) { return []byte(`{"error":"no","data":"YQ=="}`), nil }, "no"},
		{"empty parts", func([]byte) ([]byte, error) { return []byte(`{"more":true,"revision":"1"}`), nil },
			"the daemon's answer: more is said to follow, and nothing does"},
		{"always another state", func([]byte) ([]byte, error) {
			n++
			return json.Marshal(admin.Response{Data: []byte("a"), More: true, Revision: strings.Repeat("r", n)})
		}, "the accounts change all the time: try again"},
	} {
		if b, err := admin.Fetch(c.send, admin.Request{Do: admin.Export}); err == nil || b != nil ||
			!strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %q, %v, want %s", c.name, b, err, c.want)
		}
	}
}
