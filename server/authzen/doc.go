// Package authzen serves the Authorization API 1.0 of OpenID AuthZEN: an http.Handler for any Go server. An Evaluator
// answers the questions.
//
//	types, err := authzen.ReadTypes(file)
//	if err != nil { return err }
//	h, err := authzen.New(authzen.Config{URL: "https://pdp.example.com", Evaluator: types.Asking(nil), Caller: caller})
//	if err != nil { return err }
//	return http.ListenAndServeTLS(":8443", "cert.pem", "key.pem", h)
//
// Types are resource types that a file declares: a security descriptor as the template of each object, and the rights
// that actions need. The access check of package access decides. refmon-gateway has an Evaluator for files.
//
// The handler serves one evaluation, a batch of evaluations, and the metadata. It has no search.
//
// Guards: Limiter.mu is held for a few instructions and never during a check. Everything else is immutable.
package authzen
