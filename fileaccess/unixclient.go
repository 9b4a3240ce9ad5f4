package fileaccess

import (
	"fmt"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// NetworkUser returns the spec of a client that a server knows by its Unix ids and
// by SIDs that no id stands for, such as those of a domain: what
// [token.NetworkUser] returns for the SIDs of all of them. The first of gids is the
// primary group; a group may stand in gids and in sids. An id that the map does not
// know is an error: a group that is left out could be one that an entry denies.
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
