package main

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/objects/idmaps"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// namesFlags say where names of users and groups are looked up.
type namesFlags struct {
	directoryFlags `embed:""`
	IDMaps         string `name:"id-maps" help:"${nameMaps}" placeholder:"FILE"`
	NamesFrom      string `help:"Also ask the refmond on this socket, which knows its domains." placeholder:"SOCKET"`

	people, maps []nameFile // of --directory and --id-maps, set by names
}

// nameFile is a file of names, as a flag gives it.
type nameFile struct {
	flag, name string
	sum        [sha256.Size]byte // of the contents
}

// names opens the sources of names that the flags give, and notes the files; none is not an error. The caller calls
// done, which is never nil. On error n is nil, and nothing stays open. Names in the id maps match in any case.
func (f *namesFlags) names(std *streams) (n *acltree.Names, done func(), err error) {
	n, done = &acltree.Names{}, func() {}
	if len(f.Directory) > 0 {
		n.Directory, err = f.readPeopleFiles(std, func(name string, file []byte) {
			f.people = append(f.people, nameFile{"--directory", name, sha256.Sum256(file)})
		})
		if err != nil {
			return nil, done, err
		}
	}
	if f.IDMaps != "" {
		file, err := readBounded(openFile, f.IDMaps, maxAccountsFile)
		if err != nil {
			return nil, done, fmt.Errorf("--id-maps: %w", err)
		}
		f.maps = []nameFile{{"--id-maps", f.IDMaps, sha256.Sum256(file)}}
		if n.Accounts, err = idmaps.Read(file, idmaps.ReadSubIDs("/etc/subuid", "/etc/subgid")); err != nil {
			return nil, done, fmt.Errorf("--id-maps %s: %w", f.IDMaps, err)
		}
		list, err := idmaps.ReadNames(file)
		if err != nil {
			return nil, done, fmt.Errorf("--id-maps %s: %w", f.IDMaps, err)
		}
		n.Store = func(name string, group bool) (acltree.Account, bool) {
			for _, a := range list {
				if a.Group == group && strings.EqualFold(a.Name, name) {
					return acltree.Account{SID: a.SID, Group: group, From: f.IDMaps}, true
				}
			}
			return acltree.Account{}, false
		}
	}
	if f.NamesFrom != "" {
		conn, err := client.Dial(f.NamesFrom)
		if err != nil {
			return nil, done, fmt.Errorf("--names-from: %w", err)
		}
		done = func() { _ = conn.Close() } // every question was answered
		n.Server = func(name string) (acltree.Account, bool, error) { return lookUp(conn, name) }
	}
	return n, done, nil
}

// lookUp looks up a name in a running refmond. ok is false if the name is unknown there. If the daemon does not open
// its policy for this program, that is an error. A group is every account that is no user.
func lookUp(conn *client.Conn, name string) (a acltree.Account, ok bool, err error) {
	th := conn.Thread()
	policy, st := th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
	if st != ntstatus.Success {
		return a, false, fmt.Errorf("refmond's names: %w", st.Err())
	}
	defer th.LsaClose(policy)
	out, st := th.LsaLookupNames2(policy, name)
	switch {
	case st != ntstatus.Success && st != ntstatus.NoneMapped:
		return a, false, fmt.Errorf("refmond's names: %w", st.Err())
	case len(out.SIDs) != 1 || out.SIDs[0].SID.IsZero():
		return a, false, nil
	}
	s := out.SIDs[0]
	return acltree.Account{SID: s.SID, Group: s.Use != winnt.SidTypeUser, From: "refmond"}, true, nil
}
