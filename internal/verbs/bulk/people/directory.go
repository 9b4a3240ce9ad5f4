package people

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// A Principal can ask for access.
type Principal struct {
	Name  string
	Token *token.Token
}

// Directory is the principals of a run and the names of accounts. It is
// immutable once read.
type Directory struct {
	Domain     sid.SID // what relative aliases of descriptors count from; may be zero
	Principals []Principal
	Disabled   int                // users left out because their account is disabled
	names      map[sid.SID]string // of users and groups
	roster     *roster            // of the groups; nil: no file was read
}

// Name returns the name of an account: the directory's, a well-known one, or the
// SID itself.
func (d *Directory) Name(s sid.SID) string {
	if n, ok := d.names[s]; ok {
		return n
	}
	if n := sid.Name(s); n != "" {
		return n
	}
	return s.String()
}

// Known reports whether an account has a name.
func (d *Directory) Known(s sid.SID) bool {
	_, ok := d.names[s]
	return ok || sid.Name(s) != ""
}

// Find returns the index of a principal by its name, by its name in another case if only one principal has it, or by
// its SID; -1 if no principal has it.
func (d *Directory) Find(who string) int {
	found, others := -1, 0
	for i := range d.Principals {
		switch name := d.Principals[i].Name; {
		case name == who:
			return i
		case strings.EqualFold(name, who):
			found = i
			others++
		}
	}
	if others == 1 {
		return found
	}
	if s, err := sid.Resolve(who, d.Domain); err == nil {
		for i := range d.Principals {
			if d.Principals[i].Token.User().SID == s {
				return i
			}
		}
	}
	return -1
}

// Add adds a principal that is no user of the file, such as a token file.
func (d *Directory) Add(p Principal) {
	d.Principals = append(d.Principals, p)
}

// Tokens returns the tokens of the principals, in their order.
func (d *Directory) Tokens() []*token.Token {
	out := make([]*token.Token, len(d.Principals))
	for i := range d.Principals {
		out[i] = d.Principals[i].Token
	}
	return out
}

// Fingerprint names the state of the directory: it changes with the principals.
func (d *Directory) Fingerprint() uint64 {
	h := fnv.New64a()
	for i := range d.Principals {
		fmt.Fprintf(h, "%q%x", d.Principals[i].Name, effective.Fingerprint(d.Principals[i].Token))
	}
	return h.Sum64()
}
