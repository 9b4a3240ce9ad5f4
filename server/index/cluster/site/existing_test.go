package site

import (
	"fmt"
	"strings"
	"testing"
)

// TestAccountText checks the account text for an existing NATS server, role by role and completely (N-45).
func TestAccountText(t *testing.T) {
	s, _ := made(t)
	var want strings.Builder
	want.WriteString("max_payload: 8MB # of a class that lists many people\naccounts {\n  REFMON {\n" +
		"    jetstream: enabled\n    users: [\n")
	for _, r := range []Role{"directory", "follow", "keeper", "watch-a", "watch-b", "work"} {
		p := s.Permissions(r)
		fmt.Fprintf(&want, "      # %s\n      {nkey: %s, permissions: {\n        publish: {allow: [\"%s\"]}\n"+
			"        subscribe: {allow: [\"%s\"]}}}\n", r, s.Keys[string(r)], strings.Join(p.Publish, `", "`),
			strings.Join(p.Hear, `", "`))
	}
	want.WriteString("    ]\n  }\n}\n")
	if got := string(s.Account()); got != want.String() {
		t.Errorf("N-45: the account is\n%s\nwant\n%s", got, want.String())
	}
	q, err := s.Question()
	if err != nil || q.Share != nil || q.ShareText != "" || q.Traverse != "" || len(q.Rights) != 1 {
		t.Errorf("Question() of a site without a share = %+v, %v, want no share, no traverse policy and one right",
			q, err)
	}
}
