package authzen

import (
	"crypto/sha256"
	"net/http"
	"strings"
)

// Bearer returns a function for Config.Caller that identifies a client by the secret after "Bearer" in its
// Authorization header (RFC 6750). clients maps each secret to its client; Bearer ignores an empty secret and does
// not keep the map. The function fails with an *Error of status 401 for a missing, repeated or unknown value. It
// compares hashes, so that the response time does not reveal a secret.
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
