package site

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// checkServer returns an error unless at is tls://HOST:PORT, or nats://ADDRESS:PORT with a loopback address. Keys
// authenticate clients, but do not encrypt the connection (N-79).
func checkServer(at string) error {
	u, err := url.Parse(at)
	if err != nil {
		return fmt.Errorf("NATS server %q: %w", at, err)
	}
	ip := net.ParseIP(u.Hostname())
	plain := u.Scheme == "nats" && ip != nil && ip.IsLoopback()
	if u.Host == "" || u.User != nil || u.Path != "" || u.Scheme != "tls" && !plain {
		return fmt.Errorf("NATS server %q: want tls://HOST:PORT, or nats://127.0.0.1:PORT", at)
	}
	return nil
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

// Account returns a configuration file for an existing NATS server to include: an account for the site, with the
// public keys of its roles and the subjects that each may publish and subscribe to. It has no secret.
func (s *Site) Account() []byte {
	var b strings.Builder
	b.WriteString("max_payload: 8MB # of a class that lists many people\n")
	b.WriteString("accounts {\n  REFMON {\n    jetstream: enabled\n    users: [\n")
	for _, r := range s.Roles() {
		p := s.Permissions(r)
		fmt.Fprintf(&b, "      # %s\n      {nkey: %s, permissions: {\n        publish: {allow: [%s]}\n"+
			"        subscribe: {allow: [%s]}}}\n", r, s.Keys[string(r)], quoted(p.Publish), quoted(p.Hear))
	}
	b.WriteString("    ]\n  }\n}\n")
	return []byte(b.String())
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(out, ", ")
}
