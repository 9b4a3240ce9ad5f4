// Package addc runs a Samba domain controller for one test, on a loopback address of its own:
// accounts with groups nested five deep, a service with a keytab, tickets by kinit, and the
// directory's own view of each account.
//
//	d := addc.Start(t, addc.Order{Users: map[string]int{"alice": 100}, Service: "HTTP/www.refmon.test"})
//	env := d.Login("alice")            // for curl --negotiate and the like
//	groups := d.TokenGroups("alice")   // as the directory computes them
//
// Without the programs or root the test is skipped with a reason. With REFMON_SAMBA=required it fails. The first test
// of a run provisions the domain, which takes three seconds.
package addc
