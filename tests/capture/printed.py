"""What curl 7.88 printed for one refused request: with -v, with -i, with both, and redirected."""

from __future__ import annotations

VERBOSE = """\
  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:-- 0*   Trying 10.0.0.1:443...
* Connected to api.mapbox.com (10.0.0.1) port 443 (#0)
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
> GET /v4/a.json?access_token=pk.x HTTP/2
> Host: api.mapbox.com
> User-Agent: curl/7.88.1
> Accept: */*
> Referer: https://a.example/
>\x20
< HTTP/2 403\x20
< content-type: application/json
< x-cache: Error from cloudfront
<\x20
{ [23 bytes data]
* Connection #0 to host api.mapbox.com left intact
{"message":"Forbidden"}"""
INCLUDED = """\
HTTP/1.1 403 Forbidden
Content-Type: application/json
Content-Length: 23

{"message":"Forbidden"}"""
BOTH = """\
> GET /v4/a.json?access_token=pk.x HTTP/2
> Host: api.mapbox.com
>
< HTTP/2 403
HTTP/2 403
< content-type: application/json
content-type: application/json
<

{"message":"Forbidden"}"""
REDIRECTED = """\
HTTP/1.1 200 Connection established

HTTP/1.1 302 Found
Location: /v4/b.json

HTTP/1.1 100 Continue

HTTP/1.1 403 Forbidden
Content-Type: application/json

{"message":"Forbidden"}"""
