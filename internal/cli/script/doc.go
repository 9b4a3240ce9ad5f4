// Package script runs Starlark programs that call the kernel. Every service is a method of a thread value, with its
// documented name and parameter names.
//
//	r := script.New(script.Config{Output: os.Stdout})
//	defer r.Close()
//	err := r.Run("impersonation.star", source)
//
// The methods come from the tables of packages nt and kernel, so a script can call exactly the listed services. The
// transcript has each call: caller, service, arguments and status, and for a denial the rule and the entry.
//
// Other functions create values and objects: token, token_profile and token_with (values), token_object (an object
// with its own descriptor), process, file, job, and the two interfaces of a thread (kernel_mode, system).
// handle_information, counts and audit_records return data that no service returns. audit_policy, security_policy and
// package_directory configure the system. fault makes allocations fail. expect and step state expectations.
//
// A [Runner] owns one kernel and belongs to one goroutine. A program cannot access the file system or the network,
// and its number of steps is limited.
package script
