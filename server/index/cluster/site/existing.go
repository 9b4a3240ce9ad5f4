package site

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/refmon/refmon/server/internal/address"
)

// checkServer returns an error unless at is tls://HOST:PORT, or nats://ADDRESS:PORT with a loopback address. Keys
// authenticate clients, but do not encrypt the connection (N-79). A user and a path are errors, and so is a missing
// host or port.
func checkServer(at string) error {
	u, err := url.Parse(at)
	if err == nil {
		ip := net.ParseIP(u.Hostname())
		plain := u.Scheme == "nats" && ip != nil && ip.IsLoopback()
		if u.Hostname() != "" && u.Port() != "" && u.User == nil && u.Path == "" && (u.Scheme == "tls" || plain) {
			return nil
		}
	}
	return fmt.Errorf("NATS server %q: want tls://HOST:PORT, or nats://127.0.0.1:PORT", address.WithoutUser(at))
}

// Plain reports whether connections to all NATS servers of the site are unencrypted. It returns false if one of them
// uses TLS, and for a site without servers.
func (s *Site) Plain() bool {
	for _, at := range s.Servers {
		if strings.HasPrefix(at, "tls:") {
			return false
		}
	}
	return len(s.Servers) > 0
}

// The accounts of a site on its NATS servers.
const (
	streamsAccount = "REFMON_STREAMS"
	rolesAccount   = "REFMON"
)

// Accounts returns the accounts of a site as a configuration for NATS servers: the public keys of its roles and the
// subjects that each may publish and subscribe to. An existing NATS server includes it. It has no secret.
//
// Only the keeper is in the account that has the streams. A server sends an answer to whatever subject a client names
// and with rights of its own, so in an account with the JetStream API every role could delete streams by naming that
// request as the subject of an answer (N-121). The other roles are in an account that imports a few subjects.
func (s *Site) Accounts() []byte {
	var b strings.Builder
	user := func(r Role) {
		p := s.Permissions(r)
		fmt.Fprintf(&b, "      # %s\n      {nkey: %s, permissions: {\n        publish: {allow: [%s]}\n"+
			"        subscribe: {allow: [%s]}}}\n", r, s.Keys[string(r)], quoted(p.Publish), quoted(p.Hear))
	}
	b.WriteString("max_payload: 8MB # of a class that lists many people\n")
	fmt.Fprintf(&b, "accounts {\n  %s {\n    jetstream: enabled\n    users: [\n", streamsAccount)
	user(Keeper)
	b.WriteString("    ]\n    exports: [\n")
	single, several := imported()
	for _, subject := range single {
		fmt.Fprintf(&b, "      {service: %q}\n", subject)
	}
	for _, subject := range several {
		fmt.Fprintf(&b, "      {service: %q, response_type: stream}\n", subject)
	}
	fmt.Fprintf(&b, "    ]\n  }\n  %s {\n    users: [\n", rolesAccount)
	for _, r := range s.Roles() {
		if r != Keeper {
			user(r)
		}
	}
	b.WriteString("    ]\n    imports: [\n")
	for _, subject := range append(single, several...) {
		fmt.Fprintf(&b, "      {service: {account: %s, subject: %q}}\n", streamsAccount, subject)
	}
	b.WriteString("    ]\n  }\n}\n")
	return []byte(b.String())
}

// imported returns the subjects of the streams' account to which other accounts may send requests: those with one
// response, and those with several.
func imported() (single, several []string) {
	for _, name := range Streams() {
		single = append(single, strings.ToLower(name)+".>")
	}
	return append(single, "keep.>"), []string{"$JS.API.DIRECT.GET.>"}
}

// quoted returns the texts in quotation marks, separated by commas; "" if there are none.
func quoted(list []string) string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(out, ", ")
}
