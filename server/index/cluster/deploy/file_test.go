package deploy

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// small is a complete site file.
const small = `directory: /etc/refmon-index/company.yaml
machines:
  mq1: {runs: [broker, work]}
  files1: {runs: [watch], trees: [/srv]}
  search1: {runs: [directory, follow]}
`

// TestSiteFileErrorsNameTheirLine checks which site files are rejected, and that an unknown key is named with
// its line (N-123).
func TestSiteFileErrorsNameTheirLine(t *testing.T) {
	edit := func(old, with string) string {
		check.RequireThat(t, strings.Contains(small, old), "the site file has no %q", old)
		return strings.Replace(small, old, with, 1)
	}
	peopleInFolder := strings.NewReplacer("/etc/refmon-index/company", "/srv/a/work", "search1: {",
		"search1: {folder: /srv/a, ").Replace(small)
	for text, want := range map[string]string{
		small: "",
		small + "  f2: {runs: [watch], trees: [/a, /b], noEvents: true, every: 1m}\n": "",
		edit("broker, work", "work") + "  m2: {runs: [keep]}\nnats: [tls://x:1]\n":    "",
		small + "  m2: {runs: [work], color: red}\n":                                  "line 6",
		small + "colour: red\n":                                                               "line 6",
		small + "  z: {}\n  b: {}\n  a: {}\n  c: {}\n":                                        "machine a: runs",
		edit("directory: /etc", "directory: /etc/x\ndirectory: /etc"):                         "line 2",
		small + "  m2: {runs: []}\n":                                                          "m2: runs: want a list",
		small + "  m2:\n":                                                                     "m2: runs: want a list",
		small + "  m2: {runs: [fly]}\n":                                                       `"fly"`,
		small + "  m2: {runs: [work, work]}\n":                                                "at most once",
		small + "  keys: {runs: [work]}\n":                                                    "not be keys",
		small + "  M2: {runs: [work]}\n":                                                      "letters a-z",
		small + "  m2: {runs: [work], trees: [/x]}\n":                                         "only with watch",
		small + "  m2: {runs: [work], watch: /x}\n":                                           "only with watch",
		small + "  m2: {runs: [work], noEvents: true}\n":                                      "only with watch",
		small + "  m2: {runs: [work], postgres: x}\n":                                         "only with follow",
		small + "  m2: {runs: [work], bulk: /x}\n":                                            "only with follow",
		small + "  m2: {runs: [watch]}\n":                                                     "trees: missing",
		small + "  m2: {runs: [watch], trees: [x]}\n":                                         "absolute path",
		small + "  m2: {runs: [work], address: 'a;b'}\n":                                      "not a host name",
		small + "  m2: {runs: [work], folder: '/a b'}\n":                                      "absolute path",
		small + "  m2: {runs: [work], folder: /etc}\n":                                        `"/etc" belongs to the system`,
		small + "  m2: {runs: [work], folder: /usr/lib/x}\n":                                  "belongs to the system",
		small + "  m2: {runs: [work], folder: /lib/x}\n":                                      "belongs to the system",
		small + "  m2: {runs: [work], state: /var/lib}\n":                                     "belongs to the system",
		small + "  m2: {runs: [work], state: /}\n":                                            "absolute path",
		small + "  m2: {runs: [work], state: /a/../b}\n":                                      "absolute path",
		small + "  m2: {runs: [follow], bulk: bulk}\n":                                        "absolute path",
		small + "  m2: {runs: [follow], bulk: /x}\n":                                          `bulk: "/x" is in the root`,
		small + "  m2: {runs: [directory]}\n":                                                 "only one machine may run",
		small + "  m2: {runs: [keep]}\n":                                                      "with broker none may",
		small + "nats: [tls://x:1]\n":                                                         "either machines that run",
		small + "natsCA: /x\n":                                                                "only with nats",
		small + "ldap: {server: [ldaps://x]}\n":                                               "either directory or ldap",
		edit("directory: /etc/refmon-index/company.yaml", "ldap: {passwordFile: /x}"):         "ldap.server: missing",
		small + "  m2: {runs: [follow], bulk: /var/lib/refmon-index/bulk}\n":                  "creates this folder for root",
		small + "parts: 0\n":                                                                  "parts: 0",
		small + "port: 65535\nclusterPort: 1\n":                                               "",
		small + "port: 0\n":                                                                   "1 to 65535",
		small + "  m2: {runs: [work], every: 1m}\n":                                           "only with watch",
		small + "port: 70000\n":                                                               "1 to 65535",
		small + "port: 6222\n":                                                                "both are 6222",
		small + "  m2: {runs: [broker], address: MQ1}\n":                                      "m2, mq1: both have",
		small + "  m2: {runs: [work], address: search1}\n":                                    "m2, search1: both have",
		small + "rights: fly\n":                                                               "fly",
		small + "replicas: 1\n":                                                               "",
		small + "replicas: 2\n":                                                               "want at most 1, the number",
		small + "  m2: {runs: [watch], trees: [/a], every: '10'}\n":                           `m2: every: "10"`,
		small + "  m2: {runs: [watch], trees: [/a], every: 50ms}\n":                           `"50ms": want 0, or`,
		small + "  m2: {runs: [watch], trees: [/a], every: 0s}\n":                             "",
		small + "  m2: {runs: [work], address: 'm2:22'}\n":                                    "not a host name",
		small + "  m2: {runs: [work], address: '2001:db8::1'}\n":                              "",
		small + "  m2: {runs: [work], folder: /srv/a, state: /srv/a}\n":                       "two folders",
		small + "  m2: {runs: [work], folder: /srv/a, state: /srv/a/b}\n":                     "two folders",
		small + "  m2: {runs: [work], state: /etc/refmon-index/b}\n":                          "two folders",
		edit("/etc/refmon-index/company", "company"):                                          `"company.yaml"]: want abs`,
		small + "parts: 257\n":                                                                "1 to 256",
		edit("broker, work", "broker"):                                                        "none runs work",
		edit("directory, follow", "directory"):                                                "none runs follow",
		edit("directory, follow", "follow"):                                                   "none runs directory",
		edit("  files1: {runs: [watch], trees: [/srv]}\n", ""):                                "none runs watch",
		edit("broker, work", "work"):                                                          "either machines that run",
		edit("broker, work", "work") + "nats: [tls://x:1]\n":                                  "some machine must run it",
		edit("broker, work", "work") + "  m2: {runs: [keep]}\nnats: ['nats://192.0.2.1:1']\n": "tls://HOST:PORT",
		edit("company.yaml", "work.yaml"):                                                     "another name",
		peopleInFolder:                                                                        "another name",
		"":                                                                                    "want one document",
		edit("directory: /etc/refmon-index/company.yaml",
			"ldap: {server: [x], passwordFile: /x, ca: c}"): `"c"]: want absolute`,
		edit("directory: /etc/refmon-index/company.yaml",
			"ldap: {server: [x], account: a, passwordFile: /x}"): `ldap.domain: "": want`,
		edit("directory: /etc/refmon-index/company.yaml",
			"ldap: {server: [x], domain: S-1-5-21-1-2-3, passwordFile: /x}"): "ldap.account: missing",
		edit("directory: /etc/refmon-index/company.yaml",
			"ldap: {server: [x], domain: S-1-5-21-1-2-3, account: a}"): "ldap.passwordFile: missing",
	} {
		_, err := Read([]byte(text))
		check.That(t, (err == nil) == (want == "") && (err == nil || strings.Contains(err.Error(), want)),
			"%s\n: %v, want %q", text, err, want)
	}
}
