// Package site says who takes part in an index of many machines, and what each may do.
//
// A [Site] is one file that all machines have alike: the hosts and their trees, in how many
// parts the work is cut, and the public key of each role. A [Role] is one of its programs:
//
//	s, secrets, err := site.New(site.Site{Hosts: map[string][]string{"files1": {"/srv"}}, Rights: "read"})
//	may := s.Permissions(site.Watch("files1")) // publish seen.files1.>, and nothing of others
//
// Subjects say whose a message is: seen.HOST.TREE.PART of the watcher of a host, directory.*
// of the directory source, class.*, rows.*, people.* and fence.* of workers. A server lets
// through what [Site.Permissions] lists. [Sign] and [Verify] hold the same without the server
// (N-43): a message has a signature of its role over its subject and its place.
//
// Guards: values of this package are immutable once made.
package site
