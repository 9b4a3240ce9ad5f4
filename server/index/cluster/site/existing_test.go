package site

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestNATSAccountsListEachRole checks the accounts for NATS servers, role by role and completely (N-45, N-121).
func TestNATSAccountsListEachRole(t *testing.T) {
	s, _ := newTestSite(t)
	var want strings.Builder
	user := func(r Role) {
		p := s.Permissions(r)
		fmt.Fprintf(&want, "      # %s\n      {nkey: %s, permissions: {\n        publish: {allow: [\"%s\"]}\n"+
			"        subscribe: {allow: [\"%s\"]}}}\n", r, s.Keys[string(r)], strings.Join(p.Publish, `", "`),
			strings.Join(p.Hear, `", "`))
	}
	want.WriteString("max_payload: 8MB # of a class that lists many people\naccounts {\n  REFMON_STREAMS {\n" +
		"    jetstream: enabled\n    users: [\n")
	user("keeper")
	want.WriteString("    ]\n    exports: [\n")
	subjects := []string{"seen.>", "directory.>", "class.>", "rows.>", "people.>", "fence.>", "keep.>"}
	for _, subject := range subjects {
		fmt.Fprintf(&want, "      {service: \"%s\"}\n", subject)
	}
	want.WriteString("      {service: \"$JS.API.DIRECT.GET.>\", response_type: stream}\n    ]\n  }\n  REFMON {\n" +
		"    users: [\n")
	for _, r := range []Role{"directory", "follow", "watch-a", "watch-b", "work"} {
		user(r)
	}
	want.WriteString("    ]\n    imports: [\n")
	for _, subject := range append(subjects, "$JS.API.DIRECT.GET.>") {
		fmt.Fprintf(&want, "      {service: {account: REFMON_STREAMS, subject: \"%s\"}}\n", subject)
	}
	want.WriteString("    ]\n  }\n}\n")
	if got := string(s.Accounts()); got != want.String() {
		t.Errorf("N-121: the accounts are\n%s\nwant\n%s", got, want.String())
	}
	q, err := s.Question()
	check.That(t, err == nil && q.Share == nil && q.ShareText == "" && q.Traverse == "" && len(q.Rights) == 1,
		"Question() of a site without a share = %+v, %v, want no share, no traverse policy and one right", q, err)
}

// TestErrorOfServerHidesPassword checks that the error of a NATS server with a user does not show the password (N-79).
func TestErrorOfServerHidesPassword(t *testing.T) {
	for _, at := range []string{"tls://a:pw-of-test@mq:4222", "tls://a:pw-of-test@mq:x"} {
		err := checkServer(at)
		check.That(t, err != nil && !strings.Contains(err.Error(), "pw-of-test") && strings.Contains(err.Error(), "@mq:"),
			"checkServer of %s: %v, want an error that names the host and no password", at, err)
	}
}
