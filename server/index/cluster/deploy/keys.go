package deploy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/internal/regular"
)

// authorityKeyName is the file with the secret key of the site's authority. No machine has it.
const authorityKeyName = "ca-key.pem"

// keys are a site with its secrets. Immutable.
type keys struct {
	site      *site.Site
	text      []byte // the site's file
	seeds     map[site.Role]string
	authority site.Authority // no key for existing NATS servers; empty if clients trust the authorities of the host
}

// keys returns the site of the file with its keys (N-124). old has the files of an earlier run. Keys in old are kept,
// and missing keys are created in memory. keys reads the file NATSCA, which must have a certificate. A malformed seed,
// authority or site in old is an error. So is a key that two roles have, and so is a change of rights, share, traverse
// or parts, because the site's logs depend on them.
func (f *File) keys(old files) (*keys, error) {
	k := &keys{}
	before := map[site.Role]string{}
	for name, text := range old {
		if role, found := strings.CutSuffix(name, ".seed"); found {
			before[site.Role(role)] = strings.TrimSpace(string(text))
		}
	}
	var err error
	if k.site, k.seeds, err = site.Renew(f.site(), before); err != nil {
		return nil, err
	}
	if err := k.distinct(); err != nil {
		return nil, err
	}
	if text := old[site.SiteName]; text != nil {
		last, err := site.Read(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", site.SiteName, err)
		}
		if last.Rights != k.site.Rights || last.Share != k.site.Share || last.Traverse != k.site.Traverse ||
			last.Parts != k.site.Parts {
			return nil, fmt.Errorf("rights, share, traverse and parts cannot change, because the logs depend on them: "+
				"keep %s, %q, %s and %d, or make another site in another folder", last.Rights, last.Share, last.Traverse,
				last.Parts)
		}
	}
	if k.text, err = k.site.Text(); err != nil {
		return nil, err
	}
	switch {
	case f.NATSCA != "":
		k.authority.Certificate, err = regular.Read(f.NATSCA, regular.MaxCertificates)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(k.authority.Certificate) {
			err = fmt.Errorf("natsCA: %s: no certificate: want certificates in PEM", f.NATSCA)
		}
	case len(f.NATS) > 0:
	case old[authorityKeyName] != nil && old[site.AuthorityName] != nil: // a failed first run may have written only one
		k.authority = site.Authority{Certificate: old[site.AuthorityName], Key: old[authorityKeyName]}
		if _, err = tls.X509KeyPair(k.authority.Certificate, k.authority.Key); err != nil {
			err = fmt.Errorf("%[1]s/%s and %[1]s/%[3]s: %w: restore them, or delete both for a new authority", keysFolder,
				site.AuthorityName, authorityKeyName, err)
		}
	default:
		k.authority, err = site.NewAuthority()
	}
	return k, err
}

// distinct returns an error if two roles have the same key: each would have the permissions of the other (N-124).
func (k *keys) distinct() error {
	owner := map[string]site.Role{}
	for _, r := range k.site.Roles() {
		public := k.site.Keys[string(r)]
		if first, taken := owner[public]; taken {
			return fmt.Errorf("%[1]s/%s and %[1]s/%[3]s have the same key: restore the file that was overwritten, or delete it "+
				"for a new key", keysFolder, site.SeedName(first), site.SeedName(r))
		}
		owner[public] = r
	}
	return nil
}

// files returns the files of the folder with the site's secrets, by name. Certificate and key of the authority are
// missing if the site has none.
func (k *keys) files() files {
	out := files{site.SiteName: k.text}
	for r, seed := range k.seeds {
		out[site.SeedName(r)] = []byte(seed + "\n")
	}
	if k.authority.Certificate != nil {
		out[site.AuthorityName] = k.authority.Certificate
	}
	if k.authority.Key != nil {
		out[authorityKeyName] = k.authority.Key
	}
	return out
}

// newSuffix ends the name of a file that a run has not written completely, see [diskio.Faults.Replace].
const newSuffix = ".new"

// ours reports whether a file of this name in a site's folder can come from an earlier run, so that this run may
// replace or remove it. Seeds of watchers need the name of a machine. Leftover temporary files of a run are included.
func ours(name string) bool {
	name = strings.TrimSuffix(name, newSuffix)
	host, watches := strings.CutPrefix(strings.TrimSuffix(name, ".seed"), string(site.Watch("")))
	return name == authorityKeyName ||
		slices.Contains(fileNames(host), name) && (!watches || machineName.MatchString(host))
}

// readFolder returns the files of a folder, and nil if the folder does not exist. It returns an error for an entry that
// no run can have written. A folder below counts as such an entry. An unreadable file is an error.
func readFolder(dir string) (files, error) {
	list, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := files{}
	for _, e := range list {
		if !e.Type().IsRegular() || !ours(e.Name()) {
			return nil, fmt.Errorf("%s: not a file of refmon-index site: move it", filepath.Join(dir, e.Name()))
		}
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return out, nil
}
