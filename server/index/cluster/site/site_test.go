package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"github.com/refmon/refmon/internal/test/check"
)

func newTestSite(t testing.TB) (*Site, map[Role]string) {
	t.Helper()
	s, seeds, err := New(Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv", "/home"}, "b": {"/srv"}}, Parts: 3,
		Deciders: 2})
	check.NoError(t, err)
	return s, seeds
}

// TestSignatureCoversRoleSubjectAndBody checks that a signature is valid only for the role, subject, part, id and body
// that were signed, and that a message without a signature, or with half of one, belongs to no role (N-43).
func TestSignatureCoversRoleSubjectAndBody(t *testing.T) {
	s, seeds := newTestSite(t)
	sign := func(r Role, m Signed) []byte {
		t.Helper()
		key, err := nkeys.FromSeed([]byte(seeds[r]))
		check.NoError(t, err)
		out, err := Sign(key, &m)
		check.NoError(t, err)
		return out
	}
	for subject, author := range map[string]Role{"seen.a.x.0": Watch("a"), "seen.b.x.0": Watch("b"), "rows.a.x.0": Work,
		"class.0.x": Work, "people.0": Work, "fence.people.0": Work, "directory.head": Directory} {
		m := Signed{Subject: subject, ID: "1", After: 7, Body: []byte("body")}
		for _, r := range s.Roles() {
			if err := s.Verify(&m, sign(r, m)); (err == nil) != (r == author) ||
				err != nil && !strings.Contains(err.Error(), subject+": not signed by "+string(author)) {
				t.Errorf("%s by %s: %v, want it from %s only", subject, r, err, author)
			}
		}
		for _, n := range []int{0, 1, 32, 63, 64} {
			check.That(t, s.Verify(&m, make([]byte, n)) != nil, "%s with a signature of %d zero bytes", subject, n)
		}
		good := sign(author, m)
		for what, change := range map[string]func(m *Signed){
			"subject": func(m *Signed) { m.Subject += "1" }, "id": func(m *Signed) { m.ID = "2" },
			"place": func(m *Signed) { m.After++ }, "body": func(m *Signed) { m.Body = []byte("bodY") },
			"border": func(m *Signed) { m.ID, m.Body = "1b", []byte("ody") }} {
			other := m
			if change(&other); s.Verify(&other, good) == nil {
				t.Errorf("%s with another %s", subject, what)
			}
		}
	}
	for _, subject := range []string{"", "seen", "seen.c.x.0", "again.a", "wake.rows.x", "$JS.API.x"} {
		check.That(t, s.Verify(&Signed{Subject: subject}, nil) != nil, "%q has an author", subject)
	}
	check.ErrorIs(t, s.Verify(&Signed{Subject: "seen.c.x.0"}, nil), ErrRole, "a message of an unknown host")
	malformed := &Site{Keys: map[string]string{"work": "x"}}
	check.That(t, malformed.Verify(&Signed{Subject: "rows.a"}, nil) != nil, "a malformed key verifies a message")
}

// TestDocumentsMapToFixedParts checks that each document belongs to one part of its tree and each class to one share,
// the same on every machine (N-44).
func TestDocumentsMapToFixedParts(t *testing.T) {
	s, _ := newTestSite(t)
	check.Equal(t, len(s.DocumentParts()), 9, "parts of three trees")
	subjects := map[string]bool{}
	for _, p := range s.DocumentParts() {
		subjects[p.Subject()] = true
	}
	check.Equal(t, len(subjects), 9, "subjects of 9 parts")
	check.Equal(t, (Part{Host: "a", Tree: "/srv", Number: 2}).Subject(), "a.a3d9ac4fdee9.2", "a part")
	if got := [2]int{s.PartOf("/srv/plan"), s.DeciderOf("Eu3NnrAAQS7-A4hFxtPWPg")}; got != [2]int{2, 1} {
		t.Errorf("a document and a class are of %v", got)
	}
	counts := make([]int, 3)
	for c := range 3000 {
		counts[s.PartOf("/srv/f"+strings.Repeat("x", c%50)+string(rune('a'+c/50)))]++
	}
	for _, n := range counts {
		check.That(t, n >= 500, "3000 documents are distributed to the parts as %v, want at least 500 for each", counts)
	}
}

// TestSiteFolderLoadsAsWritten checks that a site's files can be loaded again.
func TestSiteFolderLoadsAsWritten(t *testing.T) {
	s, seeds := newTestSite(t)
	dir := t.TempDir()
	a := newAuthority(t)
	cert, key, err := a.Issue("files.example")
	check.NoError(t, err)
	text, err := s.Text()
	check.NoError(t, err)
	for name, b := range map[string][]byte{SiteName: text, SeedName(Watch("a")): []byte(seeds[Watch("a")] + "\n"),
		AuthorityName: a.Certificate, ServerName: cert, ServerKeyName: key} {
		check.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	check.That(t, strings.HasPrefix(string(text), "{\n  \"rights\": \"read\",\n"), "the site is written as %s", text)
	empty := t.TempDir()
	check.ErrorIs(t, check.Err(Load(empty)), os.ErrNotExist, "a folder without a site")
	check.ErrorIs(t, check.Err(ServerTLS(empty)), os.ErrNotExist, "a folder without an authority")
	check.NoError(t, os.WriteFile(filepath.Join(empty, SiteName), []byte("{}"), 0o600))
	_, err = Load(empty)
	check.That(t, err != nil && strings.HasPrefix(err.Error(), empty+"/site.json: "), "a malformed site: %v", err)
	again, err := Load(dir)
	if err != nil || again.Keys["work"] != s.Keys["work"] || again.Parts != 3 || again.Replicas != 1 {
		t.Errorf("Load = %+v, %v, want the workers' key %v, 3 parts, 1 replica, no error", again, err, s.Keys["work"])
	}
	if seed, err := Seed(dir, Watch("a")); err != nil || seed != seeds[Watch("a")] {
		t.Errorf("a seed is another one: %v", err)
	}
	check.ErrorIs(t, check.Err(Seed(dir, Work)), os.ErrNotExist, "a seed that the folder does not have")
	c, err := ServerTLS(dir)
	if err != nil || len(c.Certificates) != 1 || c.Certificates[0].Leaf.VerifyHostname("files.example") != nil ||
		c.Certificates[0].Leaf.VerifyHostname("other.example") == nil {
		t.Errorf("certificate: %v", err)
	}
}

// TestRenewKeepsKeysOfExistingRoles checks that a changed site keeps the keys of its roles, and that a role without one
// gets one.
func TestRenewKeepsKeysOfExistingRoles(t *testing.T) {
	s, seeds := newTestSite(t)
	next := *s
	next.Hosts = map[string][]string{"a": {"/srv"}, "c": {"/srv"}}
	again, all, err := Renew(next, seeds)
	check.NoError(t, err)
	for _, r := range again.Roles() {
		kept := all[r] == seeds[r] && again.Keys[string(r)] == s.Keys[string(r)]
		if kept != (r != Watch("c")) {
			t.Errorf("%s keeps its key: %t, want %t", r, kept, r != Watch("c"))
		}
	}
	if _, has := all[Watch("b")]; has || again.Keys["watch-b"] != "" || s.Keys["watch-b"] == "" {
		t.Errorf("keys of the new site %v and of the old one %v, want watch-b only in the old one", again.Keys, s.Keys)
	}
	for seed, want := range map[string]string{"SUAxx": "key of work: the seed is malformed",
		string(check.Must(check.Must(nkeys.CreateAccount()).Seed())): "key of work: the seed is not one of a user"} {
		_, _, err := Renew(next, map[Role]string{Work: seed})
		check.That(t, err != nil && strings.HasPrefix(err.Error(), want) && !strings.Contains(err.Error(), seed),
			"a seed %.2s…: %v, want %q", seed, err, want)
	}
}

// FuzzSite checks that no file makes the parser panic, and that a parsed site is within its bounds.
func FuzzSite(f *testing.F) {
	f.Add([]byte(`{"rights":"read","hosts":{"a":["/srv"]},"keys":{}}`))
	f.Add([]byte(`{"rights":"read","hosts":{"a":["/srv"]},"parts":-1,"keys":{}}`))
	f.Add([]byte(`{"rights":"read","hosts":{"a.b":["/srv"]},"keys":{}}`))
	f.Add([]byte(`{"rights":"read","share":"O:BAG:BAD:(A;;FA;;;WD)","hosts":{"a":["/srv/../x"]},"keys":{"work":"UX"}}`))
	f.Add([]byte(`{"rights":"read","rights":"read"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Read(b)
		if err != nil {
			return
		}
		check.That(t, s.Parts >= 1 && s.Parts <= maxParts && s.Deciders >= 1 && s.Replicas >= 1 && len(s.Hosts) != 0,
			"%+v", s)
		for _, p := range s.DocumentParts()[:1] {
			if strings.Count(p.Subject(), ".") != 2 || strings.ContainsAny(p.Subject(), "*> \t\r\n") {
				t.Errorf("subject %q", p.Subject())
			}
		}
	})
}

// TestRemoteNATSServersNeedTLS checks that NATS servers need TLS, except those of this host (N-79).
func TestRemoteNATSServersNeedTLS(t *testing.T) {
	for at, may := range map[string]bool{"tls://mq1:4222": true, "nats://127.0.0.1:4222": true, "nats://[::1]:4222": true,
		"nats://192.0.2.1:4222": false, "nats://localhost:4222": false, "ws://127.0.0.1:80": false, "mq1:4222": false,
		"tls://": false, "tls://mq1": false, "tls://mq1:": false, "nats://127.0.0.1": false, "tls://:4222": false,
		"tls://me:secret@mq1:4222": false, "": false, "tls://mq1:4222/x": false} {
		s := Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}, Servers: []string{at}}
		if _, _, err := New(s); (err == nil) != may {
			t.Errorf("%s: %v", at, err)
		}
		if s.Plain() != strings.HasPrefix(at, "nats://") && may {
			t.Errorf("%s is plain: %v", at, s.Plain())
		}
	}
}

// TestClassesSplitAmongDeciders checks that documents are split into the configured number of parts, and classes into
// as many shares as there are deciders (N-44). Servers are used without TLS only if none of them has it (N-79).
func TestClassesSplitAmongDeciders(t *testing.T) {
	for _, c := range []struct{ parts, deciders int }{{1, 4}, {4, 1}, {3, 2}} {
		s := &Site{Parts: c.parts, Deciders: c.deciders}
		parts, deciders := map[int]bool{}, map[int]bool{}
		for i := range 200 {
			parts[s.PartOf("/srv/"+string(rune('a'+i)))] = true
			deciders[s.DeciderOf("class"+string(rune('a'+i)))] = true
		}
		check.That(t, len(parts) == c.parts && len(deciders) == c.deciders,
			"N-44: %d parts and %d deciders, want %d and %d", len(parts), len(deciders), c.parts, c.deciders)
	}
	const plain, secure = "nats://127.0.0.1:4222", "tls://broker:4222"
	for _, c := range []struct {
		servers []string
		want    bool
	}{{nil, false}, {[]string{plain}, true}, {[]string{secure}, false}, {[]string{plain, secure}, false},
		{[]string{secure, plain}, false}, {[]string{plain, plain}, true}} {
		check.Equal(t, (&Site{Servers: c.servers}).Plain(), c.want, "N-79: %q are plain", c.servers)
	}
}
