package site

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// TestSiteRejectsValuesBeyondLimits checks both sides of each limit of a site, and each invalid value (N-79).
func TestSiteRejectsValuesBeyondLimits(t *testing.T) {
	hosts := func(n int) map[string][]string {
		m := map[string][]string{}
		for i := range n {
			m[fmt.Sprint("h", i)] = []string{"/srv"}
		}
		return m
	}
	trees := func(n int) map[string][]string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprint("/t", i))
		}
		return map[string][]string{"h": list}
	}
	one := func(host string, trees ...string) map[string][]string { return map[string][]string{host: trees} }
	_, seeds := newTestSite(t)
	for name, c := range map[string]struct {
		change func(*Site)
		why    string
	}{
		"as it is":          {func(*Site) {}, ""},
		"256 parts":         {func(s *Site) { s.Parts = 256 }, ""},
		"257 parts":         {func(s *Site) { s.Parts = 257 }, "want 1 to 256"},
		"257 deciders":      {func(s *Site) { s.Deciders = 257 }, "want 1 to 256"},
		"5 replicas":        {func(s *Site) { s.Replicas = 5 }, ""},
		"6 replicas":        {func(s *Site) { s.Replicas = 6 }, "replicas: 6: want 1 to 5"},
		"-1 deciders":       {func(s *Site) { s.Deciders = -1 }, "want 1 to 256"},
		"no host":           {func(s *Site) { s.Hosts = nil }, "0 hosts"},
		"4096 hosts":        {func(s *Site) { s.Hosts = hosts(4096) }, ""},
		"4097 hosts":        {func(s *Site) { s.Hosts = hosts(4097) }, "4097 hosts"},
		"64 trees":          {func(s *Site) { s.Hosts = trees(64) }, ""},
		"65 trees":          {func(s *Site) { s.Hosts = trees(65) }, "65 trees"},
		"no tree":           {func(s *Site) { s.Hosts = trees(0) }, "0 trees"},
		"63 letters":        {func(s *Site) { s.Hosts = one(strings.Repeat("h", 63), "/t") }, ""},
		"64 letters":        {func(s *Site) { s.Hosts = one(strings.Repeat("h", 64), "/t") }, "want letters"},
		"a dot":             {func(s *Site) { s.Hosts = one("h.x", "/t") }, "want letters"},
		"a hyphen first":    {func(s *Site) { s.Hosts = one("-h", "/t") }, "want letters"},
		"a great letter":    {func(s *Site) { s.Hosts = one("H", "/t") }, "want letters"},
		"the root":          {func(s *Site) { s.Hosts = one("h", "/") }, "want an absolute path"},
		"a relative tree":   {func(s *Site) { s.Hosts = one("h", "t") }, "want an absolute path"},
		"a tree with dots":  {func(s *Site) { s.Hosts = one("h", "/t/../u") }, "want an absolute path"},
		"a slash at an end": {func(s *Site) { s.Hosts = one("h", "/t/") }, "want an absolute path"},
		"nested trees":      {func(s *Site) { s.Hosts = one("h", "/t", "/t/u") }, "tree /t/u is the tree /t or below"},
		"a tree twice":      {func(s *Site) { s.Hosts = one("h", "/t", "/t") }, "the tree /t or below"},
		"a seed as a key":   {func(s *Site) { s.Keys = map[string]string{"work": seeds[Work]} }, "key of work"},
		"a follower's dot":  {func(s *Site) { s.Followers = []string{"f", "f.x"} }, `follower "f.x"`},
		"no right":          {func(s *Site) { s.Rights = "fly" }, "fly"},
		"no share":          {func(s *Site) { s.Share = "x" }, "share"},
		"share of no DACL":  {func(s *Site) { s.Share = "O:SYG:SY" }, "share: want a DACL"}, // open to all (F-111)
		"no policy":         {func(s *Site) { s.Traverse = "x" }, "traverse"},
		"no server":         {func(s *Site) { s.Servers = []string{"tls://a:1", "nats://b:1"} }, "NATS server"},
		"a path":            {func(s *Site) { s.Servers = []string{"tls://a:1/x"} }, "NATS server"},
		"a user":            {func(s *Site) { s.Servers = []string{"tls://u@a:1"} }, "NATS server"},
		// The error names the first of several.
		"four hosts": {func(s *Site) { s.Hosts = map[string][]string{"D": nil, "B": nil, "A": nil, "C": nil} },
			`host "A"`},
		"four keys": {func(s *Site) { s.Keys = map[string]string{"d": "", "b": "", "a": "", "c": ""} }, "key of a:"},
	} {
		s := Site{Rights: "read", Hosts: one("h", "/srv")}
		c.change(&s)
		err := s.check()
		check.That(t, (err == nil) == (c.why == "") && (err == nil || strings.Contains(err.Error(), c.why)),
			"%s: %v, want %q", name, err, c.why)
	}
	s := Site{Rights: "read+write", Hosts: one("h", "/srv"), Share: "D:(A;;FA;;;WD)", Traverse: "always"}
	if err := s.check(); err != nil || s.Parts != 1 || s.Deciders != 1 || s.Replicas != 1 || !s.Tests() {
		t.Errorf("%+v, %v", s, err)
	}
	q, err := s.Question()
	if err != nil || len(q.Rights) != 2 || q.Share == nil || q.ShareText != s.Share || q.Traverse != "always" {
		t.Errorf("%+v, %v", q, err)
	}
	for policy, tests := range map[index.Traverse]bool{"": false, "never": false, "privilege": true, "always": true} {
		check.Equal(t, (&Site{Traverse: policy}).Tests(), tests, "%q tests folders", policy)
	}
	parts := (&Site{Hosts: map[string][]string{"b": {"/z", "/a"}, "a": {"/q"}}, Parts: 11}).DocumentParts()
	if len(parts) != 33 || parts[0] != (Part{"a", "/q", 0}) || parts[2] != (Part{"a", "/q", 2}) || parts[10] != (Part{"a",
		"/q",
		10}) || parts[11] != (Part{"b", "/a", 0}) || parts[32] != (Part{"b", "/z", 10}) {
		t.Errorf("%v", parts)
	}
}
