package site

import (
	"slices"
	"testing"
)

// TestRoleSubjects: a watcher publishes about its own host and hears of it alone; who follows reads what
// was decided and nothing that watchers or the directory tell (N-45, N-46).
func TestRoleSubjects(t *testing.T) {
	s, _ := made(t)
	watch := s.Permissions(Watch("a"))
	slices.Sort(watch.Publish)
	own := []string{"$JS.API.DIRECT.GET.SEEN.seen.a.>", "seen.a.>", "wake.seen.a.>"}
	if !slices.Equal(watch.Publish, own) {
		t.Errorf("N-46: a watcher publishes %q, want %q", watch.Publish, own)
	}
	if want := []string{Inbox(Watch("a")) + ".>", "again.a.>"}; !slices.Equal(watch.Hear, want) {
		t.Errorf("N-46: a watcher hears %q, want %q", watch.Hear, want)
	}
	var want []string
	for _, name := range []string{"ROWS", "PEOPLE", "FENCE"} {
		want = append(want, "$JS.API.DIRECT.GET."+name, "$JS.API.DIRECT.GET."+name+".>")
	}
	if got := s.Permissions(Follow).Publish; !slices.Equal(got, want) {
		t.Errorf("N-45: who follows publishes %q, want %q", got, want)
	}
}

// TestUnsigned: a message without a signature, or with half of one, is of no role (N-43).
func TestUnsigned(t *testing.T) {
	s, _ := made(t)
	for _, n := range []int{0, 1, 32, 63, 64} {
		if err := s.Verify(&Signed{Subject: "rows.a.x.0", ID: "1"}, make([]byte, n)); err == nil {
			t.Errorf("N-43: a signature of %d zero bytes counts", n)
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
