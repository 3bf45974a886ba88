META
key;value
description;Zielony Milion
country;Poland
unit;Wieliczka
instance;2023
num_projects;8
num_votes;15
budget;100000,50
vote_type;approval
rule;equalshares
min_length;1
max_length;10
PROJECTS
project_id;cost;name
1;50000;Staw
2;30000;Łąka kwietna
3;30000;Łąka kwietna
4;12500,50;Budki dla ptaków
5;20000;Ogród deszczowy
6;70000;Park kieszonkowy
7;9999,99;Kompostownik
8;40000;Aleja drzew
VOTES
voter_id;vote
a;1,2,4
b;1,2
c;1,4,7
d;2,3,5
e;6
f;6,8
g;6,8,5
h;3,7
i;3,7,4
j;1
k;
l;5,7
m;8
n;6,2
o;3
