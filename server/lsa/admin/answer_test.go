package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

func open(t testing.TB) *lsa.Store {
	t.Helper()
	s := check.Must(lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}}))
	t.Cleanup(func() { check.NoError(t, s.Close()) })
	return s
}

func newToken(t testing.TB, s token.Spec) *token.Token {
	t.Helper()
	return check.Must(token.New(s))
}

// TestOnlyAdministratorsAreServed checks that only a token with Administrators enabled is served (L-52).
func TestOnlyAdministratorsAreServed(t *testing.T) {
	alice := sid.MustParse("S-1-5-21-1-2-3-1001")
	limited := token.Administrator(alice)
	limited.Owner = sid.SID{}
	for i, g := range limited.Groups {
		if g.SID == sid.Administrators {
			limited.Groups[i].Attributes = 0x10 // deny only
		}
	}
	store := open(t)
	a := &admin.Answerer{Store: store}
	for _, c := range []struct {
		who  string
		a    *admin.Answerer
		by   *token.Token
		want ntstatus.Status
	}{
		{"an administrator", a, newToken(t, token.Administrator(alice)), ntstatus.Success},
		{"the system", a, newToken(t, token.LocalSystem()), ntstatus.Success},
		{"a limited administrator", a, newToken(t, limited), ntstatus.AccessDenied},
		{"a user", a, newToken(t, token.StandardUser(alice)), ntstatus.AccessDenied},
		{"Anonymous", a, newToken(t, token.Anonymous(false)), ntstatus.AccessDenied},
		{"no token", a, nil, ntstatus.AccessDenied},
		{"no store", &admin.Answerer{}, newToken(t, token.Administrator(alice)), ntstatus.AccessDenied},
	} {
		before, _, err := store.Revision()
		check.NoError(t, err)
		_, st := c.a.Answer(c.by, []byte(`{"do":"account add","name":"`+strings.ReplaceAll(c.who, " ", "-")+`"}`))
		after, _, err := store.Revision()
		check.That(t, err == nil && st == c.want && (after != before) == (c.want == ntstatus.Success),
			"%s: %v, want %v; the store changed: %t (L-52)", c.who, st, c.want, after != before)
	}
}

// TestLongResponseComesInParts checks that a long response arrives in parts of one state, and that a backup is a valid
// store.
func TestLongResponseComesInParts(t *testing.T) {
	s := open(t)
	a := admin.Answerer{Store: s}
	system := newToken(t, token.LocalSystem())
	check.NoError(t, s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		for i := range 4000 {
			e.AddAccount(lsa.Account{Name: fmt.Sprintf("account-%05d", i), FullName: strings.Repeat("n", 600)})
		}
		return nil
	}))
	requests, late := 0, 0
	send := func(b []byte) ([]byte, error) {
		if requests++; requests == 2 { // a change between two parts
			late++
			check.NoError(t, s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
				e.AddAccount(lsa.Account{Name: fmt.Sprintf("late%d", late)})
				return nil
			}))
		}
		out, st := a.Answer(system, b)
		return out, st.Err()
	}
	text, err := admin.Fetch(send, admin.Request{Do: admin.Export})
	var whole bytes.Buffer
	if err := errors.Join(err, s.Export(&whole)); err != nil || !bytes.Equal(text, whole.Bytes()) || requests < 4 {
		t.Errorf("%d bytes in %d parts, want %d, %v", len(text), requests, whole.Len(), err)
	}
	requests = 0
	backup := check.Must(admin.Fetch(send, admin.Request{Do: admin.BackupStore}))
	cfg := lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{}}
	check.NoError(t, lsa.Restore(cfg, bytes.NewReader(backup)))
	copied := check.Must(lsa.Open(cfg))
	_, ok := copied.LookupName("late2")
	check.That(t, ok, "the backup of %d bytes in %d parts is of no one state", len(backup), requests)
	check.NoError(t, copied.Close())
}

// TestPasswordIsNeverPrinted checks that no verb prints the password of a request, and that the daemon receives it
// (L-1).
func TestPasswordIsNeverPrinted(t *testing.T) {
	r := admin.Request{Do: admin.SetPassword, Password: "hunter2"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, r) + fmt.Sprintf(verb, r.Password); strings.Contains(text, "hunter2") ||
			strings.Contains(text, "68756e") {
			t.Errorf("%s shows %s", verb, text)
		}
	}
	if b, err := json.Marshal(r); err != nil || !strings.Contains(string(b), "hunter2") {
		t.Errorf(`%s, %v, want string(b) containing "hunter2", no error`, b, err)
	}
}

// FuzzAnswer checks that no request crashes the daemon or leaves a store that does not open.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{`{"do":"account add","name":"a","uid":7}`, `{"do":"export","offset":-1}`,
		`{"do":"backup","offset":9223372036854775807}`, `{}`, `[`,
		`{"do":"import","file":"version: 1\naccounts: []\ngroups: []\nrights: []\nidMaps: []\n"}`,
		`{"do":"group delete","name":"S-1-5-32-544"}`, `{"do":"right grant","name":"a","rights":["SeTcbPrivilege"]}`,
		`{"do":"account set","name":"a","newName":"","noUid":true}`, `{"do":"member add","name":"a","member":"a"}`} {
		f.Add([]byte(text))
	}
	s := open(f)
	a := admin.Answerer{Store: s}
	v, err := token.New(token.LocalSystem())
	check.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		out, st := a.Answer(v, b)
		var r admin.Response
		if err := json.Unmarshal(out, &r); err != nil || st != ntstatus.Success {
			t.Errorf("%q: %v, %v, want %v, nil", b, st, err, ntstatus.Success)
		}
		check.That(t, !strings.Contains(string(out), "argon2id$"),
			"L-38: the response has the hash of a password: %q", out)
	})
}

// TestBackupPartMatchesStoreBytes checks that a part has the bytes of the store from its offset on, at the revision
// that it names.
func TestBackupPartMatchesStoreBytes(t *testing.T) {
	a := newAsker(t)
	check.NoError(t, a.Store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		for i := range 2200 {
			e.AddAccount(lsa.Account{Name: fmt.Sprint("a", i), FullName: strings.Repeat("n", 600)})
		}
		return nil
	}))
	var whole bytes.Buffer
	check.NoError(t, a.Store.Backup(&whole))
	revision, size, err := a.Store.Revision()
	all := whole.Bytes()
	if err != nil || size != int64(len(all)) || revision < 1 || len(all) <= 1<<20+1 {
		t.Fatalf("revision %d of %d bytes, %d of a backup, %v, want at least 1, %d, more than %d, nil", revision,
			size, len(all), err, int64(len(all)), 1<<20+1)
	}
	for _, at := range []int{0, 1, 4095, 4096, 5000, len(all) - 1<<20 - 1, len(all) - 1<<20, len(all) - 1<<20 + 1,
		len(all) - 1, len(all), len(all) + 1, -1} {
		out, err := admin.Ask(a.send, admin.Request{Do: admin.BackupStore, Offset: int64(at)})
		from := min(max(at, 0), len(all))
		to := min(from+1<<20, len(all))
		if err != nil || !bytes.Equal(out.Data, all[from:to]) || out.Revision != fmt.Sprint(revision) ||
			at >= 0 && out.More != (to < len(all)) {
			t.Errorf("from %d: %d bytes, want %d, more %t of %s, %v",
				at, len(out.Data), to-from, out.More, out.Revision, err)
		}
	}
	// A list's revision is a hash of its bytes: it changes exactly if the bytes change.
	name := func(do admin.Do) string {
		out, err := admin.Ask(a.send, admin.Request{Do: do, Offset: 5})
		check.That(t, err == nil && regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(out.Revision),
			"%s is of %q, %v", do, out.Revision, err)
		return out.Revision
	}
	first := name(admin.ListAccounts)
	check.That(t, name(admin.ListAccounts) == first && name(admin.ListGroups) != first,
		"the same list has two names, or two lists have one")
	a.must(admin.Request{Do: admin.DeleteAccount, Name: "a7"})
	if after, _, _ := a.Store.Revision(); name(admin.ListAccounts) == first || after <= revision {
		t.Error("another list has the same name")
	}
}

// TestBackupNamesConcurrentChange checks that the revision of a part says whether the store changed during the copy.
func TestBackupNamesConcurrentChange(t *testing.T) {
	a := newAsker(t)
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil && !t.Failed() {
			check.Equal(t, a.Store.Update(sid.LocalSystem, func(*lsa.Edit) error { return nil }), nil, "an update")
		}
	})
	check.Eventually(t, func() bool {
		out, err := admin.Ask(a.send, admin.Request{Do: admin.BackupStore})
		return err == nil && strings.HasSuffix(out.Revision, "-")
	}, "no part was copied during a change")
	cancel()
	writer.Wait()
}

// TestBackupReturnsKeyHalves checks that both halves of the audit log's key are distinguished, that a part has at
// most one megabyte, and that an offset outside the data returns none.
func TestBackupReturnsKeyHalves(t *testing.T) {
	a := newAsker(t)
	for _, do := range []admin.Do{admin.BackupKey, admin.BackupPublic} {
		if b, err := admin.Fetch(a.send, admin.Request{Do: do}); err != nil || len(b) != 0 {
			t.Errorf("%s without a log: %q, %v, want no bytes, no error", do, b, err)
		}
	}
	const most = 1 << 20
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
			t.Errorf("%s from %d: %d bytes, more %t, %v, want %d, %t",
				c.do, c.offset, len(out.Data), out.More, err, c.n,
				c.more)
		}
	}
	if b, err := admin.Fetch(a.send, admin.Request{Do: admin.BackupKey}); err != nil ||
		len(b) != most+1 || b[most] != 'S' {
		t.Errorf("the key in parts: %d bytes, %v", len(b), err)
	}
	fails = errors.New("broken")
	_, err := admin.Fetch(a.send, admin.Request{Do: admin.BackupKey})
	check.That(t, err != nil && err.Error() == "broken", "a key that cannot be read: %v", err)
}

// TestFetchRejectsMalformedResponses checks that a malformed response of the daemon is an error, and so is one that
// never ends.
func TestFetchRejectsMalformedResponses(t *testing.T) {
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
			"the daemon's answer: it announces more data but sends none"},
		{"always another state", func([]byte) ([]byte, error) {
			n++
			return json.Marshal(admin.Response{Data: []byte("a"), More: true, Revision: strings.Repeat("r", n)})
		}, "the accounts changed during each of 100 attempts: try again"},
	} {
		if b, err := admin.Fetch(c.send, admin.Request{Do: admin.Export}); err == nil || b != nil ||
			!strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %q, %v, want %s", c.name, b, err, c.want)
		}
	}
	out, err := admin.Ask(func([]byte) ([]byte, error) { return []byte(`{"error":"no","data":"YQ=="}`), nil },
		admin.Request{Do: admin.Export})
	check.That(t, err != nil && string(out.Data) == "a", "a refusal: %+v, %v, want its data", out, err)
}
