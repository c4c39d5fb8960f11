// Package server hands a site's reports to readers over HTTP and takes imports
// in. It knows no engine: the store and the state are handed to it.
//
// Nothing on a reader's path touches an engine: reports and the page are
// served from finished bytes. Only what lies under /live/, which a server has
// when it is asked to, is computed while its reader waits.
package server
