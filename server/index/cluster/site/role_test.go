package site

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestRolesUseOnlyTheirSubjects checks that each role may publish and subscribe to its own subjects, replies to itself
// and the streams that it reads, and to nothing else: a watcher to the parts of its host's trees (N-46, N-48), and a
// follower to results but no input (N-45). An unknown role may do nothing, and only the keeper creates streams.
func TestRolesUseOnlyTheirSubjects(t *testing.T) {
	s, _ := newTestSite(t)
	gets := func(streams ...string) (out []string) {
		for _, name := range streams {
			out = append(out, "$JS.API.DIRECT.GET."+name, "$JS.API.DIRECT.GET."+name+".>")
		}
		return out
	}
	seen := func(host string, trees ...string) (out []string) {
		for _, t := range trees {
			for n := range 3 {
				out = append(out, "seen."+Part{host, t, n}.Subject())
			}
		}
		return out
	}
	for role, want := range map[Role]Permissions{
		"keeper": {Publish: []string{"$JS.API.>", "_R_.>"}, Hear: []string{"_INBOX.keeper.>", "keep.>"}},
		"directory": {Publish: []string{"$JS.API.DIRECT.GET.DIRECTORY.directory.>", "directory.>", "wake.directory.>"},
			Hear: []string{"_INBOX.directory.>"}},
		"work": {Publish: append(gets("CLASS", "DIRECTORY", "FENCE", "PEOPLE", "ROWS", "SEEN"),
			"again.>", "alive.>", "class.>", "fence.>", "keep.people.>", "keep.rows.>", "people.>",
			"rows.>", "wake.>"), Hear: []string{"_INBOX.work.>", "alive.>", "wake.>"}},
		"follow": {Publish: append(gets("FENCE", "PEOPLE", "ROWS"), "keep.follow.>"),
			Hear: []string{"_INBOX.follow.>", "wake.>"}},
		"watch-a": {Publish: append(seen("a", "/srv", "/home"), "$JS.API.DIRECT.GET.SEEN.seen.a.>", "wake.seen.a.>"),
			Hear: []string{"_INBOX.watch-a.>", "again.a.>"}},
		"watch-b": {Publish: append(seen("b", "/srv"), "$JS.API.DIRECT.GET.SEEN.seen.b.>", "wake.seen.b.>"),
			Hear: []string{"_INBOX.watch-b.>", "again.b.>"}},
		"watch-c": {}, "watch-": {}, "watch": {}, "Work": {}, "": {},
	} {
		got := s.Permissions(role)
		for _, list := range [][]string{got.Publish, got.Hear, want.Publish} {
			slices.Sort(list)
		}
		check.That(t, slices.Equal(got.Publish, want.Publish) && slices.Equal(got.Hear, want.Hear),
			"N-45: %q may\n%q, want\n%q", role, got, want)
		if known := slices.Contains(s.Roles(), role); known != (want.Hear != nil) {
			t.Errorf("N-45: %q is a role: %t, want %t", role, known, want.Hear != nil)
		}
	}
	check.Equal(t, Inbox(Watch("a")), "_INBOX.watch-a", "replies to a watcher")
	for subject, want := range map[string]Role{"rows.a.x.0": "work", "class.0": "work", "people.1": "work",
		"fence.rows.a": "work", "directory.head": "directory", "directory": "directory", "seen.a.x.1": "watch-a",
		"seen.b": "watch-b", "seen": "watch-", "wake.rows": "", "again.a.x": "", "alive.x": "", "ROWS.a": "", "rowsx.a": "",
		"$JS.API.INFO": "", "_INBOX.work.x": "", "": ""} {
		check.Equal(t, s.Author(subject), want, "N-43: %s is of", subject)
	}
}
