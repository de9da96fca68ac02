-- One domain, whose accounts `prosodyctl adduser` makes.
local domain = os.getenv("XMPP_DOMAIN")

log = { info = "*console" }
modules_enabled = {
    "roster"; "saslauth"; "tls"; "dialback"; "disco"; "carbons"; "pep"; "private"; "blocklist"; "vcard4";
    "ping"; "register"; "time"; "uptime"; "version"; "mam"; "smacks"; "csi_simple";
}
allow_registration = false
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
authentication = "internal_hashed"
-- Into the database at once: at a hand-off there are five seconds after SIGTERM, and at a power cut none.
storage = "sql"
sql = { driver = "SQLite3", database = "prosody.sqlite" }

VirtualHost(domain)
    ssl = { certificate = "/etc/prosody/certs/tls.crt", key = "/etc/prosody/certs/tls.key" }
