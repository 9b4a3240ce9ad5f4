package host

import (
	"os/user"
	"strconv"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sid"
)

// Names returns names for SIDs and caches them, without a limit or expiry. The zero value is ready for use. One
// goroutine uses it.
type Names struct {
	known map[sid.SID]string
}

// Of returns the host's name of S-1-22-1-uid or S-1-22-2-gid, or the name of a well-known SID. It returns "" for
// every other SID and for a number without a name. The first call for a SID queries the host and may block.
func (n *Names) Of(s sid.SID) string {
	if name, ok := n.known[s]; ok {
		return name
	}
	name := sid.Name(s)
	switch id := s.RID(); s {
	case fileaccess.UnixUser(id):
		name = nameOf("passwd", id)
	case fileaccess.UnixGroup(id):
		name = nameOf("group", id)
	}
	if n.known == nil {
		n.known = map[sid.SID]string{}
	}
	n.known[s] = name
	return name
}

// nameOf returns the name of a number in the host's passwd or group database, or "" if there is none or the query
// fails.
func nameOf(database string, id uint32) string {
	key := strconv.FormatUint(uint64(id), 10)
	f, found, err := entry(database, key)
	switch {
	case err != nil:
		return ""
	case found:
		return f[0]
	}
	if database == "passwd" {
		if u, err := user.LookupId(key); err == nil {
			return u.Username
		}
		return ""
	}
	if g, err := user.LookupGroupId(key); err == nil {
		return g.Name
	}
	return ""
}
