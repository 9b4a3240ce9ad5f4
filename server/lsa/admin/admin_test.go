package admin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

func open(t testing.TB) *lsa.Store {
	t.Helper()
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func made(t testing.TB, s token.Spec) *token.Token {
	t.Helper()
	v, err := token.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestWhoAsks: only a token with Administrators enabled is answered (L-52).
func TestWhoAsks(t *testing.T) {
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
		{"an administrator", a, made(t, token.Administrator(alice)), ntstatus.Success},
		{"the system", a, made(t, token.LocalSystem()), ntstatus.Success},
		{"a limited administrator", a, made(t, limited), ntstatus.AccessDenied},
		{"a user", a, made(t, token.StandardUser(alice)), ntstatus.AccessDenied},
		{"Anonymous", a, made(t, token.Anonymous(false)), ntstatus.AccessDenied},
		{"no token", a, nil, ntstatus.AccessDenied},
		{"no store", &admin.Answerer{}, made(t, token.Administrator(alice)), ntstatus.AccessDenied},
	} {
		before, _, err := store.Revision()
		if err != nil {
			t.Fatal(err)
		}
		_, st := c.a.Answer(c.by, []byte(`{"do":"account add","name":"`+strings.ReplaceAll(c.who, " ", "-")+`"}`))
		after, _, err := store.Revision()
		if err != nil || st != c.want || (after != before) != (c.want == ntstatus.Success) {
			t.Errorf("%s: %v, want %v; the store changed: %t (L-52)", c.who, st, c.want, after != before)
		}
	}
}

// TestParts: what is longer than an answer comes in parts of one state, and a backup
// is a store.
func TestParts(t *testing.T) {
	s := open(t)
	a := admin.Answerer{Store: s}
	system := made(t, token.LocalSystem())
	if err := s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		for i := range 4000 {
			e.AddAccount(lsa.Account{Name: fmt.Sprintf("account-%05d", i), FullName: strings.Repeat("n", 600)})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	asked, late := 0, 0
	send := func(b []byte) ([]byte, error) {
		if asked++; asked == 2 { // a change between two parts
			late++
			if err := s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
				e.AddAccount(lsa.Account{Name: fmt.Sprintf("late%d", late)})
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
		out, st := a.Answer(system, b)
		return out, st.Err()
	}
	text, err := admin.Fetch(send, admin.Request{Do: admin.Export})
	var whole bytes.Buffer
	if err := errors.Join(err, s.Export(&whole)); err != nil || !bytes.Equal(text, whole.Bytes()) || asked < 4 {
		t.Errorf("%d bytes in %d parts, want %d, %v", len(text), asked, whole.Len(), err)
	}
	asked = 0
	backup, err := admin.Fetch(send, admin.Request{Do: admin.BackupStore})
	if err != nil {
		t.Fatal(err)
	}
	cfg := lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{}}
	if err := lsa.Restore(cfg, bytes.NewReader(backup)); err != nil {
		t.Fatalf("%d bytes in %d parts: %v", len(backup), asked, err)
	}
	copied, err := lsa.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := copied.LookupName("late2"); !ok {
		t.Error("the backup is of no one state")
	}
	if err := copied.Close(); err != nil {
		t.Error(err)
	}
}

// TestHiddenPassword: no verb shows the password of a request, and the daemon gets it
// (L-1).
func TestHiddenPassword(t *testing.T) {
	r := admin.Request{Do: admin.SetPassword, Password: "hunter2"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, r) + fmt.Sprintf(verb, r.Password); strings.Contains(text, "hunter2") ||
			strings.Contains(text, "68756e") {
			t.Errorf("%s shows %s", verb, text)
		}
	}
	if b, err := json.Marshal(r); err != nil || !strings.Contains(string(b), "hunter2") {
		t.Errorf("%s, %v", b, err)
	}
}

// FuzzAnswer: no request ends the daemon or makes a store that does not open.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{`{"do":"account add","name":"a","uid":7}`, `{"do":"export","offset":-1}`,
		`{"do":"backup","offset":9223372036854775807}`, `{"do":"import","file":"version: 1\n"}`, `{}`, `[`,
		`{"do":"group delete","name":"S-1-5-32-544"}`, `{"do":"right grant","name":"a","rights":["SeTcbPrivilege"]}`,
		`{"do":"account set","name":"a","newName":"","noUid":true}`, `{"do":"member add","name":"a","member":"a"}`} {
		f.Add([]byte(text))
	}
	s := open(f)
	a := admin.Answerer{Store: s}
	v, err := token.New(token.LocalSystem())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, st := a.Answer(v, b)
		var r admin.Response
		if err := json.Unmarshal(out, &r); err != nil || st != ntstatus.Success {
			t.Errorf("%q: %v, %v", b, st, err)
		}
		if strings.Contains(string(out), "argon2id$") {
			t.Error("a hash is answered (L-38)")
		}
	})
}
