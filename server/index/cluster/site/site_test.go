package site

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
)

func made(t testing.TB) (*Site, map[Role]string) {
	t.Helper()
	s, seeds, err := New(Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv", "/home"}, "b": {"/srv"}}, Parts: 3,
		Deciders: 2})
	if err != nil {
		t.Fatal(err)
	}
	return s, seeds
}

// TestSignatures: a message counts for the role of its subject, at its place, and for no other
// role, subject, place, id or body (N-43).
func TestSignatures(t *testing.T) {
	s, seeds := made(t)
	sign := func(r Role, m Signed) []byte {
		t.Helper()
		key, err := nkeys.FromSeed([]byte(seeds[r]))
		if err != nil {
			t.Fatal(err)
		}
		out, err := Sign(key, &m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for subject, author := range map[string]Role{"seen.a.x.0": Watch("a"), "seen.b.x.0": Watch("b"), "rows.a.x.0": Work,
		"class.0.x": Work, "people.0": Work, "fence.people.0": Work, "directory.head": Directory} {
		m := Signed{Subject: subject, ID: "1", After: 7, Body: []byte("body")}
		for _, r := range s.Roles() {
			if err := s.Verify(&m, sign(r, m)); (err == nil) != (r == author) {
				t.Errorf("%s by %s: %v", subject, r, err)
			}
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
		if err := s.Verify(&Signed{Subject: subject}, nil); err == nil {
			t.Errorf("%q has an author", subject)
		}
	}
	if err := s.Verify(&Signed{Subject: "seen.c.x.0"}, nil); !errors.Is(err, ErrRole) {
		t.Errorf("a host that is not there: %v", err)
	}
}

// TestPermissions checks that an unknown role has no permissions, and that only the keeper may
// create streams and consumers (N-45).
func TestPermissions(t *testing.T) {
	s, _ := made(t)
	for _, r := range []Role{"", "watch-c", "stranger", "watch-"} {
		if p := s.Permissions(r); len(p.Publish)+len(p.Hear) > 0 {
			t.Errorf("%q may %v", r, p)
		}
	}
	for _, r := range s.Roles() {
		for _, subject := range s.Permissions(r).Publish {
			makes := strings.Contains(subject, "CONSUMER") || strings.Contains(subject, "STREAM.CREATE") ||
				subject == ">" || subject == "$JS.API.>" || subject == "$JS.>"
			if makes != (r == Keeper) {
				t.Errorf("%s publishes %s", r, subject)
			}
		}
	}
}

// TestParts: each document is of one part of its tree and each class of one share, on every
// machine the same (N-44).
func TestParts(t *testing.T) {
	s, _ := made(t)
	if n := len(s.DocumentParts()); n != 9 {
		t.Errorf("%d parts of three trees", n)
	}
	subjects := map[string]bool{}
	for _, p := range s.DocumentParts() {
		subjects[p.Subject()] = true
	}
	if len(subjects) != 9 {
		t.Errorf("%d subjects of 9 parts", len(subjects))
	}
	if got := (Part{Host: "a", Tree: "/srv", Number: 2}).Subject(); got != "a.a3d9ac4fdee9.2" {
		t.Errorf("a part is %s", got)
	}
	if got := [2]int{s.PartOf("/srv/plan"), s.DeciderOf("Eu3NnrAAQS7-A4hFxtPWPg")}; got != [2]int{2, 1} {
		t.Errorf("a document and a class are of %v", got)
	}
	counts := make([]int, 3)
	for c := range 3000 {
		counts[s.PartOf("/srv/f"+strings.Repeat("x", c%50)+string(rune('a'+c/50)))]++
	}
	for _, n := range counts {
		if n < 500 {
			t.Errorf("3000 documents are shared out as %v", counts)
		}
	}
}

// TestFolder: a site is saved with its keys, read again, and not written over.
func TestFolder(t *testing.T) {
	s, seeds := made(t)
	dir := t.TempDir() + "/site"
	if err := Save(dir, s, seeds, []string{"127.0.0.1", "files.example"}, nil); err != nil {
		t.Fatal(err)
	}
	again, err := Load(dir)
	if err != nil || again.Keys["work"] != s.Keys["work"] || again.Parts != 3 || again.Replicas != 1 {
		t.Errorf("%+v: %v", again, err)
	}
	if seed, err := Seed(dir, Watch("a")); err != nil || seed != seeds[Watch("a")] {
		t.Errorf("a seed is another one: %v", err)
	}
	c, err := ServerTLS(dir)
	if err != nil || len(c.Certificates) != 1 || c.Certificates[0].Leaf.VerifyHostname("files.example") != nil ||
		c.Certificates[0].Leaf.VerifyHostname("other.example") == nil {
		t.Errorf("certificate: %v", err)
	}
	info, err := os.Stat(dir + "/work.seed")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a seed has mode %v: %v", info.Mode(), err)
	}
	if err := Save(dir, s, seeds, nil, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a site that is there: %v", err)
	}
}

// FuzzSite: no file makes a reader panic, and a site that is read is within its bounds.
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
		if s.Parts < 1 || s.Parts > maxParts || s.Deciders < 1 || s.Replicas < 1 || len(s.Hosts) == 0 {
			t.Errorf("%+v", s)
		}
		for _, p := range s.DocumentParts()[:1] {
			if strings.Count(p.Subject(), ".") != 2 || strings.ContainsAny(p.Subject(), "*> \t\r\n") {
				t.Errorf("subject %q", p.Subject())
			}
		}
	})
}

// TestServers: message servers are spoken to over TLS, those of this host alone without (N-79).
func TestServers(t *testing.T) {
	for at, may := range map[string]bool{"tls://mq1:4222": true, "nats://127.0.0.1:4222": true, "nats://[::1]:4222": true,
		"nats://192.0.2.1:4222": false, "nats://localhost:4222": false, "ws://127.0.0.1:80": false, "mq1:4222": false,
		"tls://": false, "tls://me:secret@mq1:4222": false, "": false, "tls://mq1:4222/x": false} {
		s := Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}, Servers: []string{at}}
		if _, _, err := New(s); (err == nil) != may {
			t.Errorf("%s: %v", at, err)
		}
		if s.Plain() != strings.HasPrefix(at, "nats://") && may {
			t.Errorf("%s is plain: %v", at, s.Plain())
		}
	}
}

// TestShares: documents are cut into as many parts as there are parts, and classes into as many as there
// are deciders (N-44); message servers are spoken to without TLS only where none of them has it (N-79).
func TestShares(t *testing.T) {
	for _, c := range []struct{ parts, deciders int }{{1, 4}, {4, 1}, {3, 2}} {
		s := &Site{Parts: c.parts, Deciders: c.deciders}
		parts, deciders := map[int]bool{}, map[int]bool{}
		for i := range 200 {
			parts[s.PartOf("/srv/"+string(rune('a'+i)))] = true
			deciders[s.DeciderOf("class"+string(rune('a'+i)))] = true
		}
		if len(parts) != c.parts || len(deciders) != c.deciders {
			t.Errorf("N-44: %d parts and %d deciders, want %d and %d", len(parts), len(deciders), c.parts, c.deciders)
		}
	}
	const plain, secure = "nats://127.0.0.1:4222", "tls://broker:4222"
	for _, c := range []struct {
		servers []string
		want    bool
	}{{nil, false}, {[]string{plain}, true}, {[]string{secure}, false}, {[]string{plain, secure}, false},
		{[]string{secure, plain}, false}, {[]string{plain, plain}, true}} {
		if got := (&Site{Servers: c.servers}).Plain(); got != c.want {
			t.Errorf("N-79: %q are plain: %v", c.servers, got)
		}
	}
}
