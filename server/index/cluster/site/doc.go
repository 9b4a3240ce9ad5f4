// Package site defines the participants of an index on many machines and their permissions.
//
// A [Site] is one file that is identical on all machines: the hosts and their trees, the number of
// shares of the work, and the public key of each role. A [Role] is one of the programs:
//
//	s, secrets, err := site.New(site.Site{Hosts: map[string][]string{"files1": {"/srv"}}, Rights: "read"})
//	may := s.Permissions(site.Watch("files1")) // publish seen.files1.> and no other host's
//
// The subject determines a message's author. The watcher of a host publishes seen.HOST.TREE.PART,
// the directory source directory.*, and workers class.*, rows.*, people.* and fence.*. The server
// enforces [Site.Permissions]. [Sign] and [Verify] enforce the same without trust in the server
// (N-43): a role signs each message together with its subject and position.
//
// Values of this package are immutable once created.
package site
