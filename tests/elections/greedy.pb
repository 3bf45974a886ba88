META
key;value
description;Budżet obywatelski, dzielnica Nad Rzeką
country;Poland
unit;Nad Rzeką
instance;2024
num_projects;7
num_votes;12
budget;250000
vote_type;approval
rule;greedy
min_length;1
max_length;4
PROJECTS
project_id;cost;votes;name;selected
12;60000;6;Oświetlenie parku;1
3;90000;6;Ścieżka rowerowa;1
7;120000;5;Plac zabaw;0
21;55000;4;Nasadzenia drzew przy ulicy Długiej i przy szkole podstawowej nr 12 oraz wokół stawu;1
5;45000;4;Ławki;1
40;30000;2;Stojaki na rowery;0
9;150000;1;Boisko;0
VOTES
voter_id;age;sex;vote
1;34;F;12,3,7
2;51;M;12,3
3;23;M;3,21,5
4;19;F;7,12
5;62;F;12,5,40
6;54;M;21
7;49;M;3,7,9
8;27;F;12,21,5
9;39;F;3,7
10;44;M;12,40,21
11;70;F;3,5
12;33;M;7
