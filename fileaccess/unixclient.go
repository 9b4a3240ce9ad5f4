package fileaccess

import (
	"fmt"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// NetworkUser returns the Spec of a client with Unix ids, and with SIDs that have
// no id, such as those of a domain. It is the result of [token.NetworkUser] for the
// SIDs of all of them. The first of gids, else of sids, is the primary group. A
// group may be both in gids and in sids. NetworkUser fails for an id that the map
// does not have, because a deny entry could name the missing group.
func (m *IDMap) NetworkUser(uid uint32, gids []uint32, sids ...sid.SID) (token.Spec, error) {
	user, ok := m.user(uid)
	if !ok {
		return token.Spec{}, fmt.Errorf("fileaccess: the map has no SID for user id %d", uid)
	}
	groups := make([]sid.SID, 0, len(gids)+len(sids))
	for _, gid := range gids {
		g, ok := m.group(gid)
		if !ok {
			return token.Spec{}, fmt.Errorf("fileaccess: the map has no SID for group id %d", gid)
		}
		groups = append(groups, g)
	}
	return token.NetworkUser(user, append(groups, sids...)...), nil
}
