package layers

// row is one package of the module.
type row struct {
	layer int
	path  string // import path below the module's; "." is the root package
}

// table is section 2 of docs/DESIGN.md in its order, which is total: a
// package imports only packages above its own line. A path that ends in /...
// stands for any number of packages that do not import one another.
var table = []row{
	{0, "winnt"},
	{0, "ntstatus"},
	{0, "internal/printable"},
	{0, "internal/strict"},

	{1, "sid"},
	{1, "adrights"},

	{2, "internal/sidset"},
	{2, "claims"},
	{2, "sd"},

	{3, "sddl"},
	{3, "token"},

	{4, "access"},

	{5, "internal/words"},
	{5, "fileaccess"},
	{5, "audit"},
	{5, "effective"},
	{5, "ntacl"},
	{5, "logon"},

	{6, "cache"},
	{6, "nt"},
	{6, "internal/beneath"},

	{7, "internal/ntos"},
	{7, "internal/ntos/ke"},
	{7, "internal/ntos/ob"},
	{7, "internal/ntos/se"},
	{7, "internal/ntos/ps"},
	{7, "internal/ntos/npfs"},
	{7, "internal/ntos/lpc"},
	{7, "internal/ntos/services"},

	{8, "kernel"},
	{8, "hostfs"},
	{8, "auditlog"},
	{8, "internal/wire"},
	{8, "client"},
	{8, "treefs"},

	{9, "internal/win32"},
	{9, "internal/marshal"},
	{9, "internal/verbs/script"},
	{9, "internal/verbs/faults"},
	{9, "internal/test/model"},
	{9, "internal/test/wired"},
	{9, "internal/test/ntostest"},
	{9, "internal/verbs/strictyaml"},
	{9, "internal/verbs/pipeline"},
	{9, "internal/verbs/batch"},
	{9, "internal/verbs/version"},
	{9, "internal/verbs/columns"},
	{9, "internal/verbs/lint"},
	{9, "internal/verbs/bulk/objects"},
	{9, "internal/verbs/bulk/people"},
	{9, "internal/verbs/bulk/accounts"},
	{9, "internal/verbs/bulk/shares"},
	{9, "internal/verbs/expect"},
	{9, "internal/verbs/bulk"},
	{9, "internal/verbs/reach"},
	{9, "vectors"},
	{9, "docs"},
	{9, "internal/verbs/replay"},
	{9, "internal/verbs/trail"},

	{10, "cmd/refmon"},
	{10, "cmd/refmon-record"},
	{10, "cmd/refmon-verify"},
	{10, "capi/rtl"},
	{10, "capi/win"},
	{10, "capi"},
	{10, "clients"},
	{10, "examples"},
	{10, "examples/pipes"},
	{10, "examples/..."},
	{10, "web/playground"},
	{10, "web/playground/wasm"},
	{10, "web/playground/pack"},
	{10, "."},
	{10, "internal/test/layers"},
	{10, "internal/test/rules"},
	{10, "internal/test/zero"},
	{10, "internal/test/recordings"},
	{10, "internal/test/randtest"},
	{10, "internal/test/terminal"},
	{10, "internal/test/bounded"},
	{10, "internal/test/questions"},
	{10, "internal/test/company"},
	{10, "internal/test/truth"},
	{10, "internal/test/bare"},
	{10, "internal/test/smbd"},
	{10, "internal/test/postgres"},
	{10, "internal/test/mutants"},
	{10, "internal/test/mutants/run"},
}

// lastPure is the last layer without effects; it builds for js/wasm and for
// 32-bit machines.
const lastPure = 5

// lastCore is the last layer that links nothing but the standard library and
// golang.org/x/sys, so that a program importing it stays small.
const lastCore = 8

// linked are the packages of layers up to lastCore that link more, and what.
var linked = map[string][]string{"auditlog": {"golang.org/x/mod"}}

// maxLines is the ceiling of a source file, tests apart.
const maxLines = 800

// effects are the imports that layers 0 to lastPure do without: what they
// give depends on the machine, the clock or the scheduler. Packages below an
// entry are meant too, except those of pureAnyway.
var effects = []string{
	"context", "log", "net", "os", "plugin", "runtime/debug", "sync", "syscall", "testing", "time",
}

// pureAnyway are packages below one of effects that have none.
var pureAnyway = []string{"net/netip", "sync/atomic"}
