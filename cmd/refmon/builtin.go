package main

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// exampleDomain is the domain of built-in tokens without an account.
var exampleDomain = sid.MustParse("S-1-5-21-1-2-3")

// builtinTokens maps words that are valid in place of a token file to tokens. The SID is the user's.
var builtinTokens = map[string]func(sid.SID) token.Spec{
	"anonymous": func(sid.SID) token.Spec { return token.Anonymous(true) },
	"guest":     guest,
	"user":      token.StandardUser,
	"admin":     token.Administrator,
	"limited":   token.LimitedAdministrator,
	"network":   func(user sid.SID) token.Spec { return token.NetworkUser(user, exampleGroup(user)) },
	"system":    func(sid.SID) token.Spec { return token.LocalSystem() },
}

// builtinWords are the words, ordered by rights.
var builtinWords = []string{"anonymous", "guest", "network", "user", "limited", "admin", "system"}

// guest returns the token of user as a guest over the network. It has Everyone and Guests but not Authenticated
// Users, and Low integrity like any account with only Everyone (Windows Integrity Mechanism Design, "SIDs and
// assigned integrity levels").
func guest(user sid.SID) token.Spec {
	s := token.NetworkUser(user)
	s.Groups, s.Integrity = nil, sid.LowLevel
	for _, g := range []sid.SID{sid.Guests, sid.Everyone, sid.Network} {
		s.Groups = append(s.Groups, token.Group{SID: g, Attributes: token.GroupDefault})
	}
	return s
}

// exampleGroup returns Domain Users of the user's domain, the primary group.
func exampleGroup(user sid.SID) sid.SID { return user.Prefix().WithRID(513) }

// builtinToken returns the built-in token for WORD or WORD:SID. It returns nil and no error for any other name.
// Without a SID the user is an example account, and for guest the built-in account. A SID after anonymous, guest or
// system is an error.
func builtinToken(name string) (*token.Token, error) {
	word, account, given := strings.Cut(name, ":")
	spec, ok := builtinTokens[word]
	if !ok {
		return nil, nil
	}
	user := exampleDomain.WithRID(1001)
	switch {
	case given && (word == "anonymous" || word == "guest" || word == "system"):
		return nil, fmt.Errorf("--token %s: %s is one account and takes no SID", inLine(name), word)
	case given:
		var err error
		if user, err = sid.Resolve(account, exampleDomain); err != nil {
			return nil, fmt.Errorf("--token %s: want %s:SID: %w", inLine(name), word, err)
		}
	case word == "guest":
		user = exampleDomain.WithRID(501)
	}
	t, err := token.New(spec(user))
	if err != nil {
		return nil, fmt.Errorf("--token %s: %w", inLine(name), err)
	}
	return t, nil
}

// noTokenFile adds the built-in words to the error for a missing token file.
func noTokenFile(name string, err error) error {
	if near := words.Nearest(name, builtinWords); near != "" && !strings.ContainsAny(name, "./") {
		return fmt.Errorf("%w; did you mean the built-in token %s?", err, near)
	}
	return fmt.Errorf("%w; built-in tokens are %s, and network:SID", err, strings.Join(builtinWords, ", "))
}

// tokenName returns the display name of a token: the file without its extension, the word, or the user of an inline
// token.
func tokenName(given, file string, t *token.Token) string {
	if isInline(given) {
		return t.User().SID.String()
	}
	return file
}

// isInline reports whether the argument is a token in JSON and not a file name.
func isInline(given string) bool { return strings.HasPrefix(strings.TrimSpace(given), "{") }
