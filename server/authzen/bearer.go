package authzen

import (
	"crypto/sha256"
	"net/http"
	"strings"
)

// Bearer returns a Config.Caller that knows clients by the secret in their Authorization header (RFC 6750). It
// compares hashes, so that the response time reveals nothing of a secret. An empty secret is nobody's.
func Bearer(clients map[string]Caller) func(*http.Request) (Caller, error) {
	known := map[[sha256.Size]byte]Caller{}
	for secret, who := range clients {
		if secret != "" {
			known[sha256.Sum256([]byte(secret))] = who
		}
	}
	return func(r *http.Request) (Caller, error) {
		sent := r.Header["Authorization"]
		if len(sent) != 1 {
			return Caller{}, &Error{http.StatusUnauthorized, "want one Authorization header"}
		}
		kind, secret, _ := strings.Cut(sent[0], " ")
		who, ok := known[sha256.Sum256([]byte(strings.TrimSpace(secret)))]
		if !strings.EqualFold(kind, "Bearer") || !ok {
			return Caller{}, errNobody
		}
		return who, nil
	}
}

var errNobody = error(&Error{http.StatusUnauthorized, "unknown client"})
